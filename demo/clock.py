"""Dice and clocks that give the same on every machine: no wall clock, no machine zone files."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from typing import TypeVar
from zoneinfo import ZoneInfo

Item = TypeVar("Item")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000
HOUR = 60 * MINUTE


class Dice:
    """Seeded chance. Built on `random()` and `getrandbits()` alone: Python promises no more to be stable."""

    def __init__(self, *seed: object) -> None:
        """Dice that fall the same for the same seed."""
        self._random = random.Random("/".join(str(part) for part in seed))

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1."""
        return int(self._random.random() * bound)

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(high - low + 1)

    def chance(self, percent: int) -> bool:
        """True in so many of 100 throws."""
        return self.below(100) < percent

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.below(len(items))]

    def uuid(self) -> str:
        """An id in the shape of a UUID."""
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


@cache
def zone(name: str) -> ZoneInfo:
    """The zone as the locked `tzdata` package has it, never as the machine has it (SPEC R2)."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def epoch_ms(moment: datetime | str) -> int:
    """Epoch milliseconds of an aware moment, or of its ISO 8601 text with a zone."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment(ms: int) -> datetime:
    """The UTC moment of epoch milliseconds."""
    return EPOCH + timedelta(milliseconds=ms)


def text_twin(ms: int) -> str:
    """An instant as the API spells it beside its L field: `2016-08-29 14:30:24.565+0000`."""
    return f"{moment(ms):%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}+0000"
