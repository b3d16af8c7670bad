"""The zones' offsets from UTC, from the pinned tzdata package and from nowhere else (SPEC R2).

What belongs here: which zone names there are, and each zone's stretches of constant offset. What does not: which
date an instant has (the macro `site_date`), which zone a site has (reference.py).

The package's TZif files name their transitions up to some year and end in a rule for the time after it; the
explicit ones are read from the file, the later ones found by weekly steps and bisection through zoneinfo.
"""

from __future__ import annotations

import importlib.resources
import io
import struct
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache

import duckdb
import tzdata

from orchestration.settings import LedgerError

FIRST_INSTANT = datetime(1999, 12, 1, tzinfo=UTC)
LAST_INSTANT = datetime(2100, 1, 1, tzinfo=UTC)  # excluded
STEP_SECONDS = 7 * 86400  # a rule changes an offset months after it last did
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def tzdata_version() -> str:
    """The release of the PyPI tzdata package that every date in the warehouse rests on."""
    return tzdata.__version__


@cache
def zone_keys() -> frozenset[str]:
    """Every zone name of the tzdata package."""
    listing = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(line.strip() for line in listing.splitlines() if line.strip())


def is_site_zone(name: str) -> bool:
    """Whether a site may state this zone: an IANA Area/City name (aliases too) or UTC.

    Abbreviations (BST, IST, EST) mean other places than people think, and fixed offsets (Etc/GMT+5) have their
    signs reversed: both are refused.
    """
    if name == "UTC":
        return True
    return "/" in name and not name.startswith(("Etc/", "posix/", "right/")) and name in zone_keys()


def zone_offsets(name: str) -> list[tuple[datetime, datetime, int]]:
    """A zone's stretches (from, to excluded, offset in seconds) from 1999-12-01 to 2100-01-01 UTC, without a gap.

    Neighbouring stretches differ in offset: a change of abbreviation alone is no transition. LedgerError for a name
    that the package does not have.
    """
    return list(_offsets_of(_zone_file(name)))


@cache
def _offsets_of(data: bytes) -> tuple[tuple[datetime, datetime, int], ...]:
    """The stretches of a zone file; many names share one."""
    begin, end = _seconds(FIRST_INSTANT), _seconds(LAST_INSTANT)
    explicit, has_rule = _explicit_transitions(data)
    moments = [begin, *sorted(moment for moment in set(explicit) if begin < moment < end)]
    zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(data))
    if has_rule:
        moments += _later_transitions(zone, max(begin, explicit[-1] if explicit else begin), end)
    stretches: list[tuple[int, int]] = []
    for moment in moments:
        offset = _offset(zone, moment)
        if not stretches or stretches[-1][1] != offset:
            stretches.append((moment, offset))
    ends = [moment for moment, _ in stretches[1:]] + [end]
    return tuple(
        (_instant(start), _instant(stop), offset) for (start, offset), stop in zip(stretches, ends, strict=True)
    )


def load_zone_offsets(connection: duckdb.DuckDBPyConnection, zones: Iterable[str] | None = None) -> int:
    """Bring raw.zone_offsets in line with the given zones (default: those of raw.sites); the number of its rows.

    A zone's rows are computed once per tzdata release: a rerun costs nothing.
    """
    version = tzdata_version()
    if zones is None:
        zones = [zone for (zone,) in connection.execute("select distinct time_zone from raw.sites").fetchall()]
    wanted = sorted(set(zones))
    present = {
        zone
        for zone, complete in connection.execute(
            "select time_zone, bool_and(tzdata_version = ?) from raw.zone_offsets group by time_zone", [version]
        ).fetchall()
        if complete
    }
    missing = [zone for zone in wanted if zone not in present]
    stale = connection.execute(
        "select count(*) from raw.zone_offsets where tzdata_version <> ? "
        "or time_zone not in (select unnest(?::varchar[]))",
        [version, wanted],
    ).fetchone()
    if missing or (stale and stale[0]):
        rows = [(zone, *stretch) for zone in missing for stretch in zone_offsets(zone)]
        connection.begin()
        try:
            connection.execute(
                "delete from raw.zone_offsets where tzdata_version <> ? "
                "or time_zone not in (select unnest(?::varchar[])) or time_zone in (select unnest(?::varchar[]))",
                [version, wanted, missing],
            )
            if rows:
                names, starts, stops, offsets = (list(column) for column in zip(*rows, strict=True))
                connection.execute(
                    """
                    insert into raw.zone_offsets
                    select
                        unnest($names::varchar[]), make_timestamptz(unnest($starts::bigint[]) * 1000000),
                        make_timestamptz(unnest($stops::bigint[]) * 1000000), unnest($offsets::integer[]), $version""",
                    {
                        "names": names,
                        "starts": [_seconds(start) for start in starts],
                        "stops": [_seconds(stop) for stop in stops],
                        "offsets": offsets,
                        "version": version,
                    },
                )
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    total = connection.execute("select count(*) from raw.zone_offsets").fetchone()
    return int(total[0]) if total else 0


def _seconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(seconds=1)


def _instant(seconds: int) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def _zone_file(name: str) -> bytes:
    if name not in zone_keys():
        raise LedgerError(f"{name!r} is no zone of tzdata {tzdata_version()}: write an IANA Area/City name or UTC.")
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def _offset(zone: zoneinfo.ZoneInfo, seconds: int) -> int:
    offset = datetime.fromtimestamp(seconds, zone).utcoffset()
    return offset // timedelta(seconds=1) if offset is not None else 0


def _explicit_transitions(data: bytes) -> tuple[list[int], bool]:
    """The transitions (epoch seconds) that a TZif file names, and whether a daylight-saving rule follows them.

    RFC 9636, section 3: the second block has 64-bit times; the footer is a POSIX TZ string, whose rule begins with
    a comma; without one the last offset holds for ever.
    """
    header = struct.Struct(">4sc15x6l")
    magic, version, *counts = header.unpack_from(data)
    if magic != b"TZif" or version < b"2":
        raise LedgerError("The tzdata package holds a zone file of an unknown format: install the locked release.")
    second = header.size + _block_size(counts, 4)
    counts = list(header.unpack_from(data, second)[2:])
    times = struct.unpack_from(f">{counts[3]}q", data, second + header.size)
    footer = data[second + header.size + _block_size(counts, 8) :]
    return sorted(times), b"," in footer


def _block_size(counts: list[int], time_size: int) -> int:
    utc, standard, leaps, times, types, characters = counts
    return times * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) + standard + utc


def _later_transitions(zone: zoneinfo.ZoneInfo, begin: int, end: int) -> list[int]:
    """The instants in (begin, end) where the offset changes, to the second; at most one change a step is seen."""
    found = []
    before, offset = begin, _offset(zone, begin)
    while before < end - 1:
        after = min(before + STEP_SECONDS, end - 1)
        later = _offset(zone, after)
        if later != offset:
            low, high = before, after
            while high - low > 1:
                middle = (low + high) // 2
                if _offset(zone, middle) == offset:
                    low = middle
                else:
                    high = middle
            found.append(high)
        before, offset = after, later
    return found
