"""Every zone of the IANA list, every change of its offset from 2005 to 2037: the project's date is zoneinfo's.

The instants go through the warehouse as messages: raw.zone_offsets -> int_site_utc_offsets -> int_site_offset_buckets
-> int_message_groups, the project's compiled SQL. No tolerance and no sample.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pytest
from zone_oracle import BEGIN, DAY, END, local_date, stretches, zone, zone_file, zone_names
from zone_project import Project, write_messages, write_run, write_sites

from orchestration import zones

AROUND_MS = (-1000, -1, 0, 1000)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def instants_of(name: str) -> list[int]:
    """Milliseconds around each change of the zone's offset and around the local midnights on both sides of it."""
    points: set[int] = set()
    for moment, before, after in stretches(name).transitions():
        points.add(moment)
        for offset in (before, after):
            midnight = (moment + offset) // DAY * DAY - offset
            points.update((midnight, midnight + DAY))
    return sorted(point * 1000 + around for point in points for around in AROUND_MS)


def dates_by_project(connection: duckdb.DuckDBPyConnection) -> np.ndarray:
    """The date of each message, by its conversation's number, as days since 1970."""
    found = connection.execute(
        """
        select conversation_copy_id as number, activity_date - date '1970-01-01' as day
        from intermediate.int_message_groups
        order by number"""
    ).fetchnumpy()
    assert np.array_equal(found["number"], np.arange(len(found["number"]))), "a message has no date, or two"
    return np.asarray(found["day"], dtype=np.int64)


@pytest.fixture(scope="module")
def every_zone(
    project: Project, all_zone_offsets: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, np.ndarray, np.ndarray]:
    """A warehouse with one site a zone and a message at each instant; the messages' zones and instants."""
    home = tmp_path_factory.mktemp("every_zone")
    given = [(number, moment) for number, name in enumerate(zone_names()) for moment in instants_of(name)]
    site = np.array([number for number, _ in given])
    epoch_ms = np.array([moment for _, moment in given])
    with project.open(home) as connection:
        connection.execute(f"insert into raw.zone_offsets from '{all_zone_offsets}'")
        write_sites(connection, [(name, name, LONG_AGO) for name in zone_names()])
        write_run(connection, datetime(2038, 1, 3, tzinfo=UTC), date(2037, 12, 1))
        write_messages(connection, list(zone_names()), site, np.arange(len(site)), epoch_ms)
        project.build(connection, "int_message_groups")
    return home, site, epoch_ms


def test_the_list_is_whole() -> None:
    """All names and the changes from 2005 to 2037: were the package's layout to change, nothing would be tested."""
    assert zone_names() == tuple(sorted(zones.zone_keys()))
    assert len(zone_names()) >= 598
    assert sum(zones.is_site_zone(name) for name in zone_names()) >= 519
    changes = sum(len(stretches(name).transitions()) for name in zone_names())
    assert changes >= 14_000, changes


def test_each_instant_around_each_change_has_zoneinfos_date(
    project: Project, every_zone: tuple[Path, np.ndarray, np.ndarray]
) -> None:
    home, site, epoch_ms = every_zone
    names = zone_names()
    expected = [
        local_date(names[number], moment) for number, moment in zip(site.tolist(), epoch_ms.tolist(), strict=True)
    ]
    with project.open(home) as connection:
        found = dates_by_project(connection)
    wrong = [
        f"{names[site[at]]} at {epoch_ms[at]} ms: {date.fromordinal(int(found[at]) + 719163)}, not {expected[at]}"
        for at in np.flatnonzero(found + 719163 != np.array([day.toordinal() for day in expected]))
    ]
    assert not wrong, f"{len(wrong)} of {len(expected)}: {wrong[:10]}"


def test_no_change_is_missing_or_made_up(project: Project, every_zone: tuple[Path, np.ndarray, np.ndarray]) -> None:
    """The sites' stretches change offset at the second the zone file says, over all its years, and nowhere else."""
    home, _, _ = every_zone
    with project.open(home) as connection:
        found = connection.execute(
            "select site_id, epoch_us(valid_from) // 1000000, epoch_us(valid_to) // 1000000, utc_offset_seconds "
            "from intermediate.int_site_utc_offsets order by site_id, valid_from"
        ).fetchall()
    by_zone: dict[str, list[tuple[int, int, int]]] = {}
    for name, *stretch in found:
        by_zone.setdefault(name, []).append(tuple(stretch))
    assert sorted(by_zone) == list(zone_names())
    first, last = int(zones.FIRST_INSTANT.timestamp()), int(zones.LAST_INSTANT.timestamp())
    for name, own in by_zone.items():
        changes = [(moment, after) for moment, _, after in stretches(name).transitions(first + 1, last)]
        assert [(start, offset) for start, _, offset in own[1:]] == changes, name
        assert [start for start, _, _ in own] == [first, *(end for _, end, _ in own[:-1])], name
        assert own[-1][1] == last, name


def test_the_files_own_changes_are_zoneinfos() -> None:
    """The oracle's transitions against zoneinfo: at each stretch's ends and once a month inside."""
    for name in {zone_file(name): name for name in zone_names()}.values():
        changes = stretches(name).transitions()
        moments = np.unique([*range(BEGIN, END, 30 * DAY), *(at + step for at, _, _ in changes for step in (-1, 0))])
        expected = [datetime.fromtimestamp(moment, zone(name)).utcoffset() for moment in moments.tolist()]
        found = stretches(name).offset_at(moments * 1000)
        assert [int(offset.total_seconds()) for offset in expected] == found.tolist(), name


def test_a_second_of_error_is_found(
    project: Project, every_zone: tuple[Path, np.ndarray, np.ndarray], tmp_path: Path, all_zone_offsets: Path
) -> None:
    """The proof of the proof: one offset of one zone a second off, or one transition a second late, is a wrong date."""
    _, site, epoch_ms = every_zone
    number = zone_names().index("America/Santiago")
    own = epoch_ms[site == number]
    expected = stretches("America/Santiago").day_at(own)
    shifts = {
        "offset": "utc_offset_seconds = utc_offset_seconds + 1",
        "transition": "valid_from = valid_from + interval 1 second, valid_to = valid_to + interval 1 second",
    }
    for what, shift in {"nothing": "tzdata_version = tzdata_version", **shifts}.items():
        with project.open(tmp_path / what) as connection:
            connection.execute(
                f"insert into raw.zone_offsets from '{all_zone_offsets}' where time_zone = 'America/Santiago'"
            )
            connection.execute(f"update raw.zone_offsets set {shift} where true")
            write_sites(connection, [("America/Santiago", "America/Santiago", LONG_AGO)])
            write_run(connection, datetime(2038, 1, 3, tzinfo=UTC), date(2037, 12, 1))
            write_messages(connection, ["America/Santiago"], np.zeros(len(own), int), np.arange(len(own)), own)
            project.build(connection, "int_message_groups")
            assert np.array_equal(dates_by_project(connection), expected) == (what == "nothing"), what
