"""A new tzdata release: the run says which sites' past or running dates change, before it dates anything anew."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from oracle.build import conversation, message, one_site, write_lines
from zone_oracle import instant, milliseconds
from zone_project import Project, load, write_sites

from orchestration import zones
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.zone_report import ZoneChange, report_zone_changes

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOVEMBER = date(2026, 11, 1)
RUN_LOADING = """
import os
from dagster import materialize
from orchestration.feeds import RAW_ASSETS
from orchestration.resources import LedgerResource
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
answer = materialize(
    RAW_ASSETS,
    resources={"ledger": LedgerResource(as_of=os.environ["LEDGER_AS_OF"])},
    tags={"dagster/partition": "2026-11"},
)
assert answer.success
"""


@pytest.fixture
def older(database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A warehouse of release `2025b`, by which Casablanca went back to +01 for ever after 2026-03-22.

    Site `moved` left Casablanca on 2026-10-10T12:00Z; `gone` left it before anything differs; `berlin` never had it.
    """
    database.execute(
        "insert into raw.landing_contents values (1, 'messaging_interactions', 'jsonl', 'x', 1, 1, 0, ?, ?, '1')",
        [instant("2026-05-01 00:00"), instant("2026-11-20 00:00")],
    )
    write_sites(
        database,
        [
            ("casa", "Africa/Casablanca", LONG_AGO),
            ("moved", "Africa/Casablanca", LONG_AGO),
            ("moved", "Europe/Berlin", instant("2026-10-10 12:00")),
            ("gone", "Africa/Casablanca", LONG_AGO),
            ("gone", "Europe/Berlin", instant("2026-09-20 01:00")),
            ("berlin", "Europe/Berlin", LONG_AGO),
        ],
    )
    zones.load_zone_offsets(database)
    stretch = "time_zone = 'Africa/Casablanca' and valid_from >= timestamptz '2026-03-22 00:00:00+00'"
    database.execute(f"delete from raw.zone_offsets where {stretch}")
    database.execute(
        "insert into raw.zone_offsets values ('Africa/Casablanca', ?, ?, 3600, 'any')",
        [instant("2026-03-22 02:00"), zones.LAST_INSTANT],
    )
    database.execute("update raw.zone_offsets set tzdata_version = '2025b'")
    return database


def test_the_run_names_the_sites_and_dates_that_change(older: duckdb.DuckDBPyConnection) -> None:
    said: list[str] = []
    changes = report_zone_changes(older, NOVEMBER, said.append)
    begins = instant("2026-09-20 01:00")
    assert changes == [
        ZoneChange("casa", "Africa/Casablanca", begins, instant("2026-12-01 12:00"), 3600, 0),
        ZoneChange("moved", "Africa/Casablanca", begins, instant("2026-10-10 12:00"), 3600, 0),
    ]
    assert said == [
        f"tzdata is {zones.tzdata_version()} now, the warehouse was built with 2025b: "
        "dates of 2 sites change up to the end of 2026-11",
        "casa (Africa/Casablanca): from 2026-09-20T01:00:00Z on, local dates 2026-09-20 to 2026-11-30: "
        "UTC+01:00 before, UTC+00:00 now",
        "moved (Africa/Casablanca): from 2026-09-20T01:00:00Z on, local dates 2026-09-20 to 2026-10-10: "
        "UTC+01:00 before, UTC+00:00 now",
    ]


def test_what_lies_after_the_period_or_before_the_first_event_is_no_change(older: duckdb.DuckDBPyConnection) -> None:
    said: list[str] = []
    assert report_zone_changes(older, date(2026, 8, 1), said.append) == []
    assert said[0].endswith("no site's dates change up to the end of 2026-08")
    older.execute("update raw.landing_contents set first_instant_at = timestamptz '2026-12-01 20:00:00+00'")
    assert report_zone_changes(older, NOVEMBER, lambda _: None) == []


def test_the_same_release_says_nothing(older: duckdb.DuckDBPyConnection) -> None:
    zones.load_zone_offsets(older)
    said: list[str] = []
    assert report_zone_changes(older, NOVEMBER, said.append) == []
    assert said == []


def test_sealed_periods_of_another_release_are_named(older: duckdb.DuckDBPyConnection) -> None:
    """Also where the warehouse was deleted since, and only the seals remember; once."""
    older.execute("delete from raw.zone_offsets")
    older.execute("insert into raw.seals values ('2026-09-01', 'a', null, '2026-09-01', '2025b', null)")
    older.execute("insert into raw.seals values ('2026-10-01', 'b', 'a', '2026-09-01', '2025b', null)")
    said: list[str] = []
    report_zone_changes(older, NOVEMBER, said.append)
    assert said == [f"sealed with tzdata 2025b, dated anew with {zones.tzdata_version()}: 2026-09, 2026-10"]
    zones.load_zone_offsets(older)
    report_zone_changes(older, NOVEMBER, said.append)
    assert len(said) == 1


def test_the_loading_step_of_a_run_says_it(project: Project, tmp_path: Path) -> None:
    """Dagster's own step, on a home whose warehouse holds another release: in the log before anything is dated."""
    settings = Settings(home=tmp_path, as_of=instant("2026-11-20 12:00"))
    one_site(settings.landing, "America/Havana")
    write_lines(
        settings.landing,
        "messaging_interactions/a.jsonl",
        [conversation("c", [message("m", milliseconds(instant("2026-11-02 04:30")))])],
    )
    with project.open(tmp_path) as connection:
        load(connection, settings, NOVEMBER)
        # By the older release Cuba's summer ended on 2026-11-01.
        connection.execute(
            "update raw.zone_offsets set valid_to = $1 where valid_from <= $1 and $1 < valid_to",
            [instant("2026-11-01 05:00")],
        )
        connection.execute(
            "insert into raw.zone_offsets values ('America/Havana', $1, $2, -18000, 'x')",
            [instant("2026-11-01 05:00"), instant("2027-03-14 05:00")],
        )
        connection.execute("update raw.zone_offsets set tzdata_version = '2026.1'")
    answer = subprocess.run(
        [sys.executable, "-c", RUN_LOADING], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "LEDGER_HOME": str(tmp_path), "LEDGER_AS_OF": settings.as_of.isoformat()},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr[-2000:]
    assert (
        "s1 (America/Havana): from 2026-11-02T04:30:00Z on, local dates 2026-11-01 to 2026-11-30: "
        "UTC-05:00 before, UTC-04:00 now"
    ) in answer.stdout + answer.stderr
    with project.open(tmp_path) as connection:
        assert connection.execute("select distinct tzdata_version from raw.zone_offsets").fetchall() == [
            (zones.tzdata_version(),)
        ]


def test_a_reload_follows_the_new_release(older: duckdb.DuckDBPyConnection) -> None:
    """Rows of another release are replaced, those of zones that no site has are dropped."""
    zones.load_zone_offsets(older)
    found = older.execute(
        "select distinct tzdata_version from raw.zone_offsets union all "
        "select count(*)::varchar from raw.zone_offsets where time_zone = 'Africa/Casablanca' "
        "and valid_from = timestamptz '2026-09-20 01:00:00+00' and utc_offset_seconds = 0"
    ).fetchall()
    assert found == [(zones.tzdata_version(),), ("1",)]
