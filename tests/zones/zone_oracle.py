"""Local dates by other means than the project's: `zoneinfo` on the pinned tzdata package's own files, and, for
millions of instants, numpy over the transitions that those files state (RFC 9636: the 64-bit block, then the rule
of the footer). The project finds its transitions by stepping through time; here they are read and calculated.
"""

from __future__ import annotations

import importlib.resources
import re
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

DAY = 86400
FIRST_YEAR, LAST_YEAR = 2005, 2037
BEGIN = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
RULE_YEARS = range(1999, 2101)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEADER = struct.Struct(">4sc15x6l")


@cache
def zone_names() -> tuple[str, ...]:
    """Every zone name that the tzdata package lists."""
    text = importlib.resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8")
    return tuple(sorted(text.split()))


@cache
def zone_file(name: str) -> bytes:
    """The zone's TZif file in the package."""
    return importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


@cache
def zone(name: str) -> ZoneInfo:
    """The zone by the package's file; the machine's own files are never opened."""
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def instant(text: str) -> datetime:
    """A UTC instant such as `2026-03-29 00:59:59.999`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def local_date(name: str, epoch_ms: int) -> date:
    """The date that the zone's clocks show, by zoneinfo."""
    return (EPOCH + timedelta(milliseconds=epoch_ms)).astimezone(zone(name)).date()


@dataclass(frozen=True)
class Stretches:
    """A zone as sorted starts (seconds since 1970) and the offset (seconds) from each on."""

    starts: np.ndarray
    offsets: np.ndarray

    def offset_at(self, epoch_ms: np.ndarray) -> np.ndarray:
        """The offset in seconds at each instant."""
        return self.offsets[np.searchsorted(self.starts, epoch_ms // 1000, side="right") - 1]

    def day_at(self, epoch_ms: np.ndarray) -> np.ndarray:
        """The local date at each instant, as days since 1970."""
        return (epoch_ms + self.offset_at(epoch_ms) * 1000) // (DAY * 1000)

    def transitions(self, begin: int = BEGIN, end: int = END) -> list[tuple[int, int, int]]:
        """(instant, offset before, offset after) of every change of the offset in [begin, end)."""
        changes = [
            (int(start), int(before), int(after))
            for start, before, after in zip(self.starts[1:], self.offsets, self.offsets[1:], strict=False)
            if before != after
        ]
        return [change for change in changes if begin <= change[0] < end]


@cache
def _stretches_of(data: bytes) -> Stretches:
    _, version, *first = HEADER.unpack_from(data)
    assert version >= b"2"
    body = HEADER.size + _length(first, 4)
    counts = HEADER.unpack_from(data, body)[2:]
    _, _, _, times, types, _ = counts
    at = body + HEADER.size
    starts = np.frombuffer(data, ">i8", times, at).astype(np.int64)
    kinds = np.frombuffer(data, "u1", times, at + 8 * times)
    offset_of = [struct.unpack_from(">l", data, at + 9 * times + 6 * kind)[0] for kind in range(types)]
    footer = data[body + HEADER.size + _length(list(counts), 8) :].strip(b"\n").decode("ascii")
    pairs = [(-(2**62), offset_of[0]), *zip(starts.tolist(), (offset_of[kind] for kind in kinds), strict=True)]
    last = pairs[-1][0]
    pairs += [pair for year in RULE_YEARS for pair in _rule(footer, year) if pair[0] > last]
    pairs.sort(key=lambda pair: pair[0])
    return Stretches(np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs]))


def stretches(name: str) -> Stretches:
    """A zone's stretches from the package's file."""
    return _stretches_of(zone_file(name))


def _length(counts: list[int], time_size: int) -> int:
    utc, standard, leaps, times, types, characters = counts
    return times * (time_size + 1) + types * 6 + characters + leaps * (time_size + 4) + standard + utc


NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)"
CLOCK = r"[+-]?\d{1,3}(?::\d{2}(?::\d{2})?)?"
FOOTER = re.compile(rf"{NAME}(?P<std>{CLOCK})(?:{NAME}(?P<dst>{CLOCK})?,(?P<start>[^,]+),(?P<end>[^,]+))?")


def _clock(text: str) -> int:
    parts = [int(part) for part in text.lstrip("+-").split(":")]
    seconds = sum(part * size for part, size in zip(parts, (3600, 60, 1), strict=False))
    return -seconds if text.startswith("-") else seconds


def _rule(footer: str, year: int) -> list[tuple[int, int]]:
    """The two changes of a year by a POSIX TZ string: (instant, offset from then on)."""
    match = FOOTER.fullmatch(footer)
    assert match, footer
    if not match["start"]:
        return []
    standard = -_clock(match["std"])
    summer = -_clock(match["dst"]) if match["dst"] else standard + 3600
    return [
        (_wall(match["start"], year) - standard, summer),
        (_wall(match["end"], year) - summer, standard),
    ]


def _wall(rule: str, year: int) -> int:
    """The wall-clock second since 1970 of a rule such as M3.5.0/2 in a year."""
    day, _, clock = rule.partition("/")
    seconds = _clock(clock) if clock else 7200
    if day.startswith("M"):
        month, week, weekday = (int(part) for part in day[1:].split("."))
        first = date(year, month, 1)
        on = first + timedelta(days=(weekday - first.isoweekday()) % 7 + 7 * (week - 1))
        while on.month != month:
            on -= timedelta(days=7)
    elif day.startswith("J"):
        number = int(day[1:])
        is_leap = date(year, 12, 31).timetuple().tm_yday == 366
        on = date(year, 1, 1) + timedelta(days=number - 1 + (1 if is_leap and number >= 60 else 0))
    else:
        on = date(year, 1, 1) + timedelta(days=int(day))
    return (on - date(1970, 1, 1)).days * DAY + seconds
