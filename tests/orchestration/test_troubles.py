"""Troubles of the machine are one sentence that says what to do; records of killed commands are ended."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus, job, op

from orchestration import __main__ as command_line
from orchestration.dead_runs import PROCESS_TAG, end_dead_runs, process_tag
from orchestration.settings import LedgerError, Settings
from orchestration.troubles import sentence, sentence_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, as_of=datetime(2026, 4, 20, tzinfo=UTC), memory_limit="2GB")


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "is full: make room"),
        (OSError(errno.EFBIG, "x"), "is full: make room"),
        (sqlite3.OperationalError("database or disk is full"), "is full: make room"),
        (duckdb.IOException('Could not write file "/x/y.duckdb": No space left on device'), "is full: make room"),
        (duckdb.IOException('Cannot open file "/x": Read-only file system'), "allow writing"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "allow writing"),
        (duckdb.OutOfMemoryException("failed to allocate data of size 1.0 GiB"), "LEDGER_MEMORY_LIMIT"),
    ],
)
def test_a_trouble_says_what_to_do_however_deep_it_lies(settings: Settings, error: Exception, word: str) -> None:
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("a step failed") from cause
    except RuntimeError as found:
        told = sentence_of(settings, found)
    assert told is not None
    assert word in told
    assert "again" in told


def test_the_command_line_says_so_of_its_own_errors_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(settings.home))

    def stop(_: object) -> int:
        raise LedgerError("dbt cannot parse the project: [Errno 28] No space left on device")

    monkeypatch.setattr(command_line, "run_command", stop)
    assert command_line.main(["verify"]) == 1
    assert capsys.readouterr().err.startswith(f"The disk of {settings.home} is full: make room and run the same")


def test_what_is_no_trouble_of_the_machine_stays_what_it_is(settings: Settings) -> None:
    assert sentence(settings, "Binder Error: no column x") is None
    assert sentence_of(settings, ValueError("x")) is None


@op
def nothing() -> None:
    """A step."""


@job
def little() -> None:
    """A job."""
    nothing()


def test_only_runs_of_processes_that_are_gone_are_ended() -> None:
    tell = [sys.executable, "-c", "import os; print(os.getpid())"]
    gone = subprocess.run(tell, capture_output=True, text=True, check=True)
    with DagsterInstance.ephemeral() as instance:
        def started(tags: dict[str, str]) -> str:
            return instance.create_run_for_job(little, status=DagsterRunStatus.STARTED, tags=tags).run_id

        dead = started({PROCESS_TAG: gone.stdout.strip()})
        used_again = started({PROCESS_TAG: process_tag().split()[0] + " 1"})
        alive = started({PROCESS_TAG: process_tag()})
        of_the_page = started({})
        assert set(end_dead_runs(instance)) == {dead, used_again}
        states = {run_id: instance.get_run_by_id(run_id).status for run_id in (dead, used_again, alive, of_the_page)}
        assert states == {
            dead: DagsterRunStatus.FAILURE, used_again: DagsterRunStatus.FAILURE,
            alive: DagsterRunStatus.STARTED, of_the_page: DagsterRunStatus.STARTED,
        }  # fmt: skip
        assert end_dead_runs(instance) == []
