"""Exact numbers and periods: fractions until the one rounding, half away from zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

WIDE = Context(prec=200)


def rounded(value: Fraction, digits: int) -> Fraction:
    """Half away from zero, to a number of decimal digits (P7)."""
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**digits)


def decimal(value: Fraction, digits: int) -> Decimal:
    """A value as a decimal of exactly so many digits; rounds half away from zero where it has more."""
    exact = rounded(value, digits)
    return Decimal(int(exact * 10**digits)).scaleb(-digits, WIDE)


def next_month(period: date) -> date:
    """The first day of the month after."""
    return date(period.year + period.month // 12, period.month % 12 + 1, 1)


def months(first: date, last: date) -> Iterator[date]:
    """The periods from the first to the last, both included."""
    period = first
    while period <= last:
        yield period
        period = next_month(period)
