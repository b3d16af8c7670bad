"""int_site_days, from which dim_site_days and all contracts of dates come, in every zone of 2005 to 2015."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
from zone_oracle import DAY, stretches, zone_file, zone_names
from zone_project import Project, write_run, write_sites

FIRST, LAST = date(2005, 1, 1), date(2015, 12, 31)  # the years with most of what is odd
EPOCH_DAY = date(1970, 1, 1).toordinal()
Row = tuple[int, int, int, int, int]  # day, first and last second, pieces, seconds


@pytest.fixture(scope="module")
def names() -> list[str]:
    """One name of every zone file; the names of one file have the same offsets (test_every_zone)."""
    return sorted({zone_file(name): name for name in zone_names()}.values())


@pytest.fixture(scope="module")
def calendar(
    project: Project, all_zone_offsets: Path, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with int_site_days of one site a zone."""
    with project.open(tmp_path_factory.mktemp("calendar")) as connection:
        connection.execute(f"insert into raw.zone_offsets from '{all_zone_offsets}'")
        write_sites(connection, [(name, name, datetime(2000, 1, 1, tzinfo=UTC)) for name in names])
        write_run(connection, datetime(2015, 12, 20, tzinfo=UTC), date(2015, 12, 1))
        connection.execute(
            "insert into raw.landing_contents values (1, 'messaging_interactions', 'jsonl', 'x', 1, 0, 0, ?, ?, '1')",
            [datetime(2005, 1, 2, tzinfo=UTC), datetime(2015, 12, 20, tzinfo=UTC)],
        )
        project.build(connection, "int_site_days")
        yield connection


def irregular_days(name: str) -> dict[int, Row | None]:
    """Dates of the zone that are no single 24 hours, None for those that do not exist: read off its transitions."""
    own = stretches(name)
    starts, offsets = own.starts.tolist(), own.offsets.tolist()
    ends = [*starts[1:], 2**62]
    candidates = {
        (moment + offset) // DAY + step
        for moment, before, after in own.transitions(-(2**40), 2**40)
        for offset in (before, after)
        for step in (-1, 0, 1)
    }
    found: dict[int, Row | None] = {}
    for day in candidates:
        if not FIRST.toordinal() <= day + EPOCH_DAY <= LAST.toordinal():
            continue
        spans: list[list[int]] = []
        for start, end, offset in zip(starts, ends, offsets, strict=True):
            begin, stop = max(start, day * DAY - offset), min(end, (day + 1) * DAY - offset)
            if begin < stop and spans and spans[-1][1] == begin:
                spans[-1][1] = stop
            elif begin < stop:
                spans.append([begin, stop])
        seconds = sum(stop - begin for begin, stop in spans)
        if not spans:
            found[day] = None
        elif len(spans) > 1 or seconds != DAY:
            found[day] = (day, spans[0][0], spans[-1][1], len(spans), seconds)
    return found


def test_short_long_broken_and_missing_dates_are_where_the_zone_files_say(
    calendar: duckdb.DuckDBPyConnection, names: list[str]
) -> None:
    rows = calendar.execute(
        """
        select
            site_id, site_date - date '1970-01-01', epoch_us(first_instant_at) // 1000000,
            epoch_us(last_instant_at) // 1000000, pieces, seconds
        from intermediate.int_site_days
        where (pieces <> 1 or seconds <> 86400) and site_date between ? and ?""",
        [FIRST, LAST],
    ).fetchall()
    missing = calendar.execute(
        """
        select sites.site_id, cast(days.day as date) - date '1970-01-01'
        from (select distinct site_id from intermediate.int_site_days) as sites
        cross join (select unnest(generate_series($1::date, $2::date, interval 1 day)) as day) as days
        anti join intermediate.int_site_days as own
            on sites.site_id = own.site_id and cast(days.day as date) = own.site_date""",
        [FIRST, LAST],
    ).fetchall()
    found: dict[str, dict[int, Row | None]] = {name: {} for name in names}
    for name, *row in rows:
        found[name][row[0]] = tuple(row)
    for name, day in missing:
        found[name][day] = None
    assert sum(len(days) for days in found.values()) > 3_000
    for name in names:
        assert found[name] == irregular_days(name), name


def test_the_dates_of_a_zone_are_all_of_time_and_nothing_twice(
    calendar: duckdb.DuckDBPyConnection, names: list[str]
) -> None:
    """Each zone's minutes add up to what passed from its first to its last instant."""
    off = calendar.execute(
        """
        select site_id from intermediate.int_site_days
        group by site_id
        having sum(seconds) * 1000000 <> epoch_us(max(last_instant_at)) - epoch_us(min(first_instant_at))
            or count(distinct site_date) <> count(*)"""
    ).fetchall()
    count = calendar.execute("select count(distinct site_id) from intermediate.int_site_days").fetchall()
    assert off == []
    assert count == [(len(names),)]
