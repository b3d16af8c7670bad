"""raw.zone_offsets against the pinned package: every transition of every zone, and nothing from the machine."""

from __future__ import annotations

import bisect
import importlib.resources
import struct
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from orchestration import zones
from orchestration.settings import LedgerError, Settings, connect

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tzif_changes(name: str) -> tuple[list[tuple[datetime, int]], datetime, bool]:
    """What the zone's own file says: its changes of offset, its last transition, and whether a rule follows.

    A second, independent reading of the second block (RFC 9636).
    """
    data = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    start = data.index(b"TZif", 4)
    times, types = struct.unpack(">2l", data[start + 32 : start + 40])
    body = start + 44
    moments = struct.unpack(f">{times}q", data[body : body + 8 * times])
    kinds = data[body + 8 * times : body + 9 * times]
    offsets = [
        struct.unpack(">l", data[body + 9 * times + 6 * kind : body + 9 * times + 6 * kind + 4])[0]
        for kind in range(types)
    ]
    changes, before = [], offsets[0]
    for moment, kind in zip(moments, kinds, strict=True):
        if offsets[kind] != before:
            changes.append((EPOCH + timedelta(seconds=moment), offsets[kind]))
        before = offsets[kind]
    last = EPOCH + timedelta(seconds=moments[-1]) if moments else EPOCH
    return changes, last, b"," in data.rstrip(b"\n").rpartition(b"\n")[2]


def independent_offset(name: str, instant: datetime) -> int:
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        offset = instant.astimezone(ZoneInfo.from_file(file, key=name)).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def test_every_transition_of_every_zone_is_exact_and_all_zones_take_seconds() -> None:
    started = time.process_time()
    for name in sorted(zones.zone_keys()):
        stretches = zones.zone_offsets(name)
        assert stretches[0][0] == zones.FIRST_INSTANT and stretches[-1][1] == zones.LAST_INSTANT
        for (_, stop, offset), (start, _, following) in pairwise(stretches):
            assert stop == start, name
            assert offset != following, name
        changes, last, has_rule = tzif_changes(name)
        found = [(start, offset) for start, _, offset in stretches[1:]]
        assert [one for one in found if one[0] <= last] == [one for one in changes if one[0] > zones.FIRST_INSTANT], (
            name
        )
        ruled = [start for start, _ in found if start > last]
        assert bool(ruled) == has_rule, name
        for year in range(max(last.year + 1, 2000), 2100) if has_rule else ():
            assert sum(start.year == year for start in ruled) == 2, (name, year)
        with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            zone = ZoneInfo.from_file(file, key=name)
        for (_, stop, before), (_, _, after) in pairwise(stretches):
            assert (stop - timedelta(seconds=1)).astimezone(zone).utcoffset() == timedelta(seconds=before), name
            assert stop.astimezone(zone).utcoffset() == timedelta(seconds=after), name
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    "name",
    ["Africa/Casablanca", "America/Havana", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia",
     "America/New_York", "Asia/Gaza", "Antarctica/Troll", "America/Nuuk", "UTC", "Pacific/Kiritimati"],
)  # fmt: skip
def test_offsets_agree_with_zoneinfo_at_every_boundary_and_every_eleven_hours(name: str) -> None:
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        zone = ZoneInfo.from_file(file, key=name)
    stretches = zones.zone_offsets(name)
    starts = [start for start, _, _ in stretches]

    def found(instant: datetime) -> int:
        return stretches[bisect.bisect_right(starts, instant) - 1][2]

    moments = [moment for start in starts[1:] for moment in (start - timedelta(seconds=1), start)]
    moments += [zones.FIRST_INSTANT + timedelta(hours=11) * step for step in range(0, 79000)]
    for moment in moments:
        if moment < zones.LAST_INSTANT:
            offset = moment.astimezone(zone).utcoffset()
            assert offset is not None and found(moment) == offset.total_seconds(), (name, moment)


def test_only_area_city_names_and_utc_are_site_zones() -> None:
    for name in ("Europe/London", "Asia/Calcutta", "America/Argentina/Ushuaia", "UTC"):
        assert zones.is_site_zone(name)
    for name in ("BST", "IST", "EST", "GMT", "Etc/GMT+5", "Etc/UTC", "+01:00", "europe/london", "Europe/Londres",
                 "posix/Europe/London", "../zones", "", "Europe/", "US Eastern"):  # fmt: skip
        assert not zones.is_site_zone(name), name
    with pytest.raises(LedgerError, match="Mars/Olympus"):
        zones.zone_offsets("Mars/Olympus")


def test_rows_are_kept_between_runs_replaced_with_the_release_and_removed_with_the_zone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(Settings(tmp_path, datetime(2026, 1, 1, tzinfo=UTC)))
    rows = zones.load_zone_offsets(connection, ["Europe/London", "UTC"])
    assert rows == connection.execute("select count(*) from raw.zone_offsets").fetchall()[0][0] > 190
    at = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert connection.execute(
        "select utc_offset_seconds from raw.zone_offsets where time_zone = 'Europe/London' and valid_from = ?", [at]
    ).fetchall() == [(3600,)]
    computed: list[str] = []
    real = zones.zone_offsets
    monkeypatch.setattr(zones, "zone_offsets", lambda name: computed.append(name) or real(name))
    assert zones.load_zone_offsets(connection, ["Europe/London", "UTC"]) == rows and computed == []
    zones.load_zone_offsets(connection, ["UTC"])
    assert connection.execute("select distinct time_zone from raw.zone_offsets").fetchall() == [("UTC",)]
    monkeypatch.setattr(zones, "tzdata_version", lambda: "another")
    zones.load_zone_offsets(connection, ["UTC"])
    assert computed == ["UTC"]
    assert connection.execute("select distinct tzdata_version from raw.zone_offsets").fetchall() == [("another",)]


def test_the_machines_zone_files_are_never_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import zoneinfo

    monkeypatch.setattr(zoneinfo, "ZoneInfo", type("Refused", (), {"from_file": staticmethod(ZoneInfo.from_file)}))
    assert independent_offset("Africa/Casablanca", datetime(2026, 10, 1, tzinfo=UTC)) == 0
    last = [stretch for stretch in zones.zone_offsets("Africa/Casablanca") if stretch[0].year == 2026][-1]
    assert last[0] == datetime(2026, 9, 20, 1, tzinfo=UTC) and last[2] == 0
