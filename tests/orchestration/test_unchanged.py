"""A run with nothing new to do is told from one with something: every input, every output, and the clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from house import AS_OF, PERIOD, build_marts, change, make_settings

from orchestration import sealing
from orchestration.settings import Settings, connect
from orchestration.state import LOADED, set_stage
from orchestration.unchanged import begin_run, finish_run, finished_run

RUN = "run-1"
BESIDES = """
create or replace table quality.fct_rejected_records (reason varchar);
create schema if not exists support;
create or replace table support.fct_support_promises (outcome varchar);
"""


@pytest.fixture
def finished(tmp_path: Path) -> Settings:
    """A home in which RUN has made everything."""
    settings = make_settings(tmp_path)
    write(settings.landing / "messaging_interactions" / "a.jsonl", "{}")
    write(settings.landing / "reference" / "sites.csv", "site_id")
    build_marts(settings, run_id=RUN)
    change(settings, BESIDES)
    with connect(settings) as connection:
        begin_run(connection, settings, PERIOD, RUN)
    write(settings.published / "finance.duckdb", "tables")
    write(settings.exports / "2026-04" / "manifest.json", "{}")
    finish_run(settings, PERIOD, RUN)
    return settings


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def touch(path: Path) -> None:
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))


def test_nothing_new_is_the_run_that_made_it(finished: Settings) -> None:
    assert finished_run(finished, PERIOD) == RUN


CHANGES: dict[str, Callable[[Settings], object]] = {
    "a file came": lambda home: write(home.landing / "function_invocations" / "b.jsonl", "{}"),
    "a file changed": lambda home: write(home.landing / "messaging_interactions" / "a.jsonl", "{} "),
    "a file of the same size changed": lambda home: touch(home.landing / "reference" / "sites.csv"),
    "a file is gone": lambda home: (home.landing / "messaging_interactions" / "a.jsonl").unlink(),
    "a policy row changed": lambda home: write(home.policy / "settings.csv", "setting,value,reason\n"),
    "the published file is gone": lambda home: (home.published / "finance.duckdb").unlink(),
    "the published file was changed": lambda home: touch(home.published / "finance.duckdb"),
    "an exported file is gone": lambda home: (home.exports / "2026-04" / "manifest.json").unlink(),
    "something was added to the exports": lambda home: write(home.exports / "2026-04" / "x.csv", ""),
    "a half-done load": lambda home: set_stage(connect(home), LOADED, "another"),
    "another run built the warehouse": lambda home: build_marts(home, run_id="another"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changed_is_something_to_do(finished: Settings, what: str) -> None:
    CHANGES[what](finished)
    assert finished_run(finished, PERIOD) is None


def test_another_month_key_or_code_is_something_to_do(finished: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert finished_run(finished, date(2026, 3, 1)) is None
    assert finished_run(replace(finished, pseudonym_key=b"key"), PERIOD) is None
    monkeypatch.setattr("orchestration.unchanged.code_version", lambda settings: {"sha256": "other"})
    assert finished_run(finished, PERIOD) is None


def test_a_seal_or_another_release_of_zones_is_something_to_do(
    finished: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("orchestration.unchanged.tzdata_version", lambda: "2099a")
        assert finished_run(finished, PERIOD) is None
    seal = sealing.Chain((sealing.Seal(date(2026, 3, 1), "ab" * 32, {}),))
    monkeypatch.setattr("orchestration.unchanged.verify_chain", lambda settings: seal)
    assert finished_run(finished, PERIOD) is None


def test_what_changes_while_a_run_works_is_new_for_the_next(finished: Settings) -> None:
    with connect(finished) as connection:
        begin_run(connection, finished, PERIOD, RUN)
    write(finished.landing / "messaging_interactions" / "late.jsonl", "{}")
    finish_run(finished, PERIOD, RUN)
    assert finished_run(finished, PERIOD) is None


def test_a_run_that_did_not_end_has_made_nothing(finished: Settings) -> None:
    with connect(finished) as connection:
        begin_run(connection, finished, PERIOD, RUN)
    assert finished_run(finished, PERIOD) is None


@pytest.mark.parametrize(
    ("later", "sql", "is_something"),
    [
        (timedelta(hours=30), "", False),
        (timedelta(hours=-1), "", True),
        (timedelta(days=9), "", True),  # the calendar goes on into May
        (timedelta(hours=1), "insert into quality.fct_rejected_records values ('implausible_instant')", True),
        (timedelta(hours=1), "insert into quality.fct_rejected_records values ('unknown_site')", False),
        (timedelta(hours=1), "insert into support.fct_support_promises values ('open')", True),
        (timedelta(0), "insert into support.fct_support_promises values ('open')", False),
    ],
)
def test_a_later_clock_matters_only_where_something_waits_for_it(
    finished: Settings, later: timedelta, sql: str, is_something: bool
) -> None:
    if sql:
        change(finished, sql)
    found = finished_run(replace(finished, as_of=AS_OF + later), PERIOD)
    assert (found is None) == is_something


def test_a_new_home_has_everything_to_do(tmp_path: Path) -> None:
    assert finished_run(make_settings(tmp_path), PERIOD) is None
