"""A new tzdata release: the run says which sites' past or running dates change, before it dates anything anew."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest
from zone_oracle import instant
from zone_project import write_sites

from orchestration import zones
from orchestration.zone_report import ZoneChange, report_zone_changes

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NOVEMBER = date(2026, 11, 1)


@pytest.fixture
def older(database: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A warehouse of release `2025b`, by which Casablanca went back to +01 for ever after 2026-03-22.

    Site `moved` left Casablanca on 2026-10-10T12:00Z; `gone` left it before anything differs; `berlin` never had it.
    """
    database.execute(
        "insert into raw.landing_contents values "
        "(1, 'messaging_interactions', 'jsonl', 'x', 1, 1, 0, ?, ?, '1')",
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
    """Also where the warehouse was deleted since, and only the seals remember."""
    zones.load_zone_offsets(older)
    older.execute("insert into raw.seals values ('2026-09-01', 'a', null, '2026-09-01', '2025b')")
    older.execute("insert into raw.seals values ('2026-10-01', 'b', 'a', '2026-09-01', '2025b')")
    said: list[str] = []
    report_zone_changes(older, NOVEMBER, said.append)
    assert said == [f"sealed with tzdata 2025b, dated anew with {zones.tzdata_version()}: 2026-09, 2026-10"]


def test_a_reload_follows_the_new_release(older: duckdb.DuckDBPyConnection) -> None:
    """Rows of another release are replaced, those of zones that no site has are dropped."""
    zones.load_zone_offsets(older)
    found = older.execute(
        "select distinct tzdata_version from raw.zone_offsets union all "
        "select count(*)::varchar from raw.zone_offsets where time_zone = 'Africa/Casablanca' "
        "and valid_from = timestamptz '2026-09-20 01:00:00+00' and utc_offset_seconds = 0"
    ).fetchall()
    assert found == [(zones.tzdata_version(),), ("1",)]
