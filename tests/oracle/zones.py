"""Site-local dates (SPEC R2, R6), row by row, from the pinned ``tzdata`` package and nothing else.

``ZoneInfo(key)`` would read the machine's zone files first; ``ZoneInfo.from_file`` on the package's own
resources cannot. An instant here is always an aware ``datetime`` in UTC.
"""

from __future__ import annotations

import importlib.resources
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import tzdata

TZDATA_VERSION: str = tzdata.IANA_VERSION
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The IANA names that the package lists."""
    text = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return frozenset(text.split())


def is_accepted_zone(name: str) -> bool:
    """INPUTS: Area/City names of the list, or UTC; abbreviations and offsets (all of Etc/) are refused."""
    return name == "UTC" or ("/" in name and not name.startswith("Etc/") and name in zone_names())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone as the pinned package defines it. Raises KeyError for a name that the package does not list."""
    if name not in zone_names():
        raise KeyError(name)
    resource = importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    with resource.open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


@dataclass(frozen=True)
class SiteRow:
    """One row of sites.csv: holds from ``effective_at`` until the site's next row."""

    site_id: str
    account_id: str
    time_zone: str
    listening_enabled: bool
    effective_at: datetime


@dataclass(frozen=True)
class Piece:
    """A stretch of instants [start, end) of one site with one row and one offset from UTC."""

    start: datetime
    end: datetime
    offset: timedelta
    row: SiteRow


class SiteCalendar:
    """The local calendar of one site through all its rows."""

    def __init__(self, rows: Sequence[SiteRow]) -> None:
        self.rows = sorted(rows, key=lambda row: row.effective_at)
        self._pieces: dict[date, tuple[Piece, ...]] = {}

    def row_at(self, instant: datetime) -> SiteRow:
        """R2: the row in force at the instant; before the first row, the first row."""
        in_force = self.rows[0]
        for row in self.rows:
            if row.effective_at <= instant:
                in_force = row
        return in_force

    def date_at(self, instant: datetime) -> date:
        """R2: the activity date of an instant."""
        return instant.astimezone(zone(self.row_at(instant).time_zone)).date()

    def pieces_of(self, day: date) -> tuple[Piece, ...]:
        """The stretches of instants that carry the date, in order; empty if the date does not exist here."""
        if day not in self._pieces:
            self._pieces[day] = tuple(self._find_pieces(day))
        return self._pieces[day]

    def row_of(self, day: date) -> SiteRow | None:
        """R6: the row in force at the first instant that carries the date."""
        pieces = self.pieces_of(day)
        return pieces[0].row if pieces else None

    def _offset(self, instant: datetime) -> timedelta:
        offset = instant.astimezone(zone(self.row_at(instant).time_zone)).utcoffset()
        assert offset is not None
        return offset

    def _find_pieces(self, day: date) -> list[Piece]:
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        first, last = midnight - timedelta(days=2), midnight + timedelta(days=3)
        # Every instant in the window at which the row or the offset changes.
        bounds = {first, last}
        bounds.update(row.effective_at for row in self.rows if first < row.effective_at < last)
        marks = sorted(bounds | {first + HOUR * n for n in range(5 * 24)})
        for before, after in itertools.pairwise(marks):
            # Within [before, after) one row holds; the instant `after` may belong to the next.
            row_zone = zone(self.row_at(before).time_zone)
            if before.astimezone(row_zone).utcoffset() == after.astimezone(row_zone).utcoffset():
                continue
            low, high = before, after
            while high - low > SECOND:
                middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
                if middle.astimezone(row_zone).utcoffset() == before.astimezone(row_zone).utcoffset():
                    low = middle
                else:
                    high = middle
            # Transitions fall on whole seconds; a mark may carry a fraction.
            bounds.add(high.replace(microsecond=0))
        pieces = []
        ordered = sorted(bounds)
        for start, end in itertools.pairwise(ordered):
            offset = self._offset(start)
            piece_from, piece_to = max(start, midnight - offset), min(end, midnight - offset + timedelta(days=1))
            if piece_from < piece_to:
                pieces.append(Piece(piece_from, piece_to, offset, self.row_at(start)))
        return pieces
