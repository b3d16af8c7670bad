"""What another release of tzdata means for this warehouse: whose dates, past or running, it changes (SPEC R2).

What belongs here: comparing the offsets that the warehouse holds with those of the release now installed, before
they are replaced. What does not: loading offsets (zones) and dating instants (the macro `site_date`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import duckdb

from orchestration import zones
from orchestration.files import printable

Log = Callable[[str], None]
Stretch = tuple[datetime, datetime, int]  # from, to (excluded), offset from UTC in seconds
LAST_ZONE = timedelta(hours=12)  # the last place to end a month, UTC-12, ends it this much after UTC
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ZoneChange:
    """A stretch of time in which a site's clocks are other than the warehouse had them."""

    site_id: str
    time_zone: str
    begins_at: datetime
    ends_at: datetime  # excluded
    offset_before: int  # seconds
    offset_now: int

    @property
    def dates(self) -> tuple[date, date]:
        """The first and the last local date that an instant of the stretch had or now has."""
        low, high = sorted((self.offset_before, self.offset_now))
        last = self.ends_at - timedelta(microseconds=1) + timedelta(seconds=high)
        return (self.begins_at + timedelta(seconds=low)).date(), last.date()


def report_zone_changes(connection: duckdb.DuckDBPyConnection, period: date, log: Log) -> list[ZoneChange]:
    """Say which sites' dates up to the end of the period change with the installed tzdata, one line a site.

    To be called after `load_reference` and `load_seals` and before `load_zone_offsets`: the old offsets are those still
    in raw.zone_offsets. Nothing is said, and nothing computed, while the release is the same. Only time from the first
    loaded event on counts, and of each zone only the time in which the site is in it.
    """
    version = zones.tzdata_version()
    before = _stored_offsets(connection, version)
    _say_sealed_releases(connection, version, log)
    if not before:
        return []
    until = _end_of(period)
    first = connection.execute("select epoch_us(min(first_instant_at)) from raw.landing_contents").fetchone()
    since = EPOCH + timedelta(microseconds=first[0]) if first and first[0] is not None else until
    now = {zone: zones.zone_offsets(zone) for zone in before if zone in zones.zone_keys()}
    differences = {zone: list(_differences(before[zone], now[zone])) for zone in now}
    changes: list[ZoneChange] = []
    for site, zone, begin, end in _site_rows(connection):
        for start, stop, was, becomes in differences.get(zone, ()):
            start, stop = max(start, begin, since), min(stop, end, until)
            if start < stop:
                changes.append(ZoneChange(site, zone, start, stop, was, becomes))
    releases = sorted(
        row[0]
        for row in connection.execute(
            "select distinct tzdata_version from raw.zone_offsets where tzdata_version <> ?", [version]
        ).fetchall()
    )
    log(
        f"tzdata is {version} now, the warehouse was built with {', '.join(releases)}: "
        + (
            f"dates of {len({change.site_id for change in changes})} sites change up to the end of {period:%Y-%m}"
            if changes
            else f"no site's dates change up to the end of {period:%Y-%m}"
        )
    )
    for line in _lines(changes, (until - LAST_ZONE).date() - timedelta(days=1)):
        log(line)
    return changes


def _stored_offsets(connection: duckdb.DuckDBPyConnection, version: str) -> dict[str, list[Stretch]]:
    """The stretches of zones that another release computed."""
    stored: dict[str, list[Stretch]] = {}
    for zone, start, stop, offset in connection.execute(
        "select time_zone, epoch_us(valid_from), epoch_us(valid_to), utc_offset_seconds from raw.zone_offsets "
        "where tzdata_version <> ? order by time_zone, valid_from",
        [version],
    ).fetchall():
        moments = (EPOCH + timedelta(microseconds=start), EPOCH + timedelta(microseconds=stop))
        stored.setdefault(zone, []).append((*moments, offset))
    return stored


def _say_sealed_releases(connection: duckdb.DuckDBPyConnection, version: str, log: Log) -> None:
    """Name the sealed periods that rest on another release: what differs there is billed as an adjustment (C3).

    Said once, when the release is new to this warehouse; a warehouse made anew knows the old release by its seals only.
    """
    if connection.execute("select 1 from raw.zone_offsets where tzdata_version = ? limit 1", [version]).fetchone():
        return
    for release, periods in connection.execute(
        "select tzdata_version, string_agg(strftime(seal_period, '%Y-%m'), ', ' order by seal_period) from raw.seals "
        "where tzdata_version <> ? group by tzdata_version order by tzdata_version",
        [version],
    ).fetchall():
        log(f"sealed with tzdata {release}, dated anew with {version}: {periods}")


def _end_of(period: date) -> datetime:
    """The latest instant at which some clock may still show the period."""
    after = (period.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime(after.year, after.month, 1, tzinfo=UTC) + LAST_ZONE


def _site_rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, datetime, datetime]]:
    """Each site's zones and when it is in them; before its first row that row holds (SPEC R2)."""
    rows = connection.execute(
        "select site_id, time_zone, epoch_us(effective_at) from raw.sites order by site_id, effective_at"
    ).fetchall()
    held = []
    for number, (site, zone, moment) in enumerate(rows):
        is_first = number == 0 or rows[number - 1][0] != site
        is_last = number + 1 == len(rows) or rows[number + 1][0] != site
        held.append((
            site,
            zone,
            zones.FIRST_INSTANT if is_first else EPOCH + timedelta(microseconds=moment),
            zones.LAST_INSTANT if is_last else EPOCH + timedelta(microseconds=rows[number + 1][2]),
        ))  # fmt: skip
    return held


def _differences(before: list[Stretch], now: list[Stretch]) -> Iterator[tuple[datetime, datetime, int, int]]:
    """Where two lists of stretches differ: (from, to, offset before, offset now)."""
    edges = sorted({edge for stretch in (*before, *now) for edge in stretch[:2]})
    starts = [[stretch[0] for stretch in stretches] for stretches in (before, now)]
    for begin, end in pairwise(edges):
        places = [bisect_right(own, begin) - 1 for own in starts]
        if min(places) < 0:
            continue
        old, new = before[places[0]], now[places[1]]
        if old[2] != new[2] and begin < old[1] and begin < new[1]:
            yield begin, end, old[2], new[2]


def _lines(changes: list[ZoneChange], last_date: date) -> Iterator[str]:
    """One sentence a site: from which instant, over which local dates (to the period's last), by how much at first."""
    of_site: dict[str, list[ZoneChange]] = {}
    for change in sorted(changes, key=lambda change: (change.site_id, change.begins_at)):
        of_site.setdefault(change.site_id, []).append(change)
    for site, own in of_site.items():
        first = own[0]
        dates = [day for change in own for day in change.dates]
        names = ", ".join(dict.fromkeys(change.time_zone for change in own))
        yield (
            f"{printable(site)} ({names}): from {first.begins_at:%Y-%m-%dT%H:%M:%SZ} on, "
            f"local dates {min(dates)} to {min(max(dates), last_date)}: "
            f"UTC{_hours(first.offset_before)} before, UTC{_hours(first.offset_now)} now"
        )


def _hours(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}" + (f":{rest:02d}" if rest else "")
