"""`make run` and a run launched in Dagster, together: one does it, the other is told clearly, whichever it is."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from end_to_end.stage import Stage
from end_to_end.story_demo import LATER

from browser.chromium import Browser
from browser.conftest import Server
from orchestration.lock import home_lock
from orchestration.settings import Settings

PERIOD = "2026-05"
LAUNCH = """
mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
RUN = """
query ($id: ID!) { runOrError(runId: $id) { ... on Run { status eventConnection { events {
    __typename ... on MessageEvent { message }
    ... on RunFailureEvent { error { message causes { message } } } } } } } }
"""


def ask(server: Server, query: str, **variables: Any) -> dict:
    """Dagster's own interface, as its pages use it."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{server.address}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def launch(server: Server) -> str:
    """Launch the month's run as the launchpad does; its id."""
    params = {
        "selector": {"repositoryLocationName": "dar_ledger", "repositoryName": "__repository__",
                     "jobName": "monthly_run"},
        "runConfigData": {"loggers": {"console": {}}, "resources": {"ledger": {"config": {"as_of": ""}}}},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": PERIOD}]},
    }  # fmt: skip
    found = ask(server, LAUNCH, params=params)["launchRun"]
    assert found["__typename"] == "LaunchRunSuccess", found
    return found["run"]["runId"]


def status(server: Server, run_id: str) -> str:
    return ask(server, RUN, id=run_id)["runOrError"]["status"]


def words(server: Server, run_id: str) -> str:
    """Everything that the run's page tells."""
    return json.dumps(ask(server, RUN, id=run_id)["runOrError"]["eventConnection"]["events"], ensure_ascii=False)


@pytest.fixture
def settings(server: Server) -> Iterator[Settings]:
    yield Settings.from_environment({"LEDGER_HOME": str(server.home), **LATER})


def test_a_run_of_dagster_that_comes_second_is_told_who_holds_the_home(
    browser: Browser, server: Server, settings: Settings
) -> None:
    before = (server.home / "published" / "finance.duckdb").stat()
    with home_lock(settings, "make run PERIOD=2026-05"):
        run_id = launch(server)
        browser.until("the run has lost", lambda: status(server, run_id) == "FAILURE")
    told = words(server, run_id)
    assert "Another run (process" in told
    assert "make run PERIOD=2026-05" in told
    assert "LEDGER_LOCK_WAIT" in told
    after = (server.home / "published" / "finance.duckdb").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_command_that_comes_second_is_told_that_dagster_holds_the_home(
    browser: Browser, server: Server, stage: Stage
) -> None:
    home = stage.lab.home("ui", stage.project, **LATER)
    run_id = launch(server)
    lock = server.home / "ledger.lock"
    browser.until("the run works", lambda: run_id in lock.read_text() and status(server, run_id) == "STARTED")
    loser = home.run("run", "--period", PERIOD)
    assert loser.status == 1, str(loser)
    assert f"Dagster run {run_id}" in loser.last_line
    assert "LEDGER_LOCK_WAIT" in loser.last_line
    browser.until("the run is done", lambda: status(server, run_id) in ("SUCCESS", "FAILURE"))
    assert status(server, run_id) == "SUCCESS", words(server, run_id)[-3000:]


def test_a_killed_command_does_not_keep_a_run_of_dagster_waiting(
    browser: Browser, server: Server, stage: Stage
) -> None:
    home = stage.lab.home("ui", stage.project, **LATER)
    # Something to do: after the run before, a command with nothing new would end at once.
    next((server.home / "landing" / "messaging_interactions").iterdir()).touch()
    command = home.start("run", "--period", PERIOD)
    assert command.wait_until(lambda: "loading" in command.messages or "feed" in command.messages), command.messages
    assert command.kill().status == -9
    run_id = launch(server)
    browser.until("the run begins", lambda: status(server, run_id) not in ("QUEUED", "NOT_STARTED", "STARTING"))
    ask(server, 'mutation ($id: String!) { terminateRun(runId: $id) { __typename } }', id=run_id)
    browser.until("it has ended", lambda: status(server, run_id) in ("CANCELED", "SUCCESS", "FAILURE"))
