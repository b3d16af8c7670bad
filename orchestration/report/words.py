"""Figures, dates and codes in the words that people read; the same on every machine, whatever its locale.

What belongs here: one value to one text. What does not: which values are shown (finance, statements).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Reasons of adjustments (SPEC C3) as a customer reads them.
REASONS = {
    "late_usage": "usage that arrived after the month was closed",
    "conflict": "contradicting copies of the same record were settled",
    "zone_history": "the site's time zone or account history was corrected",
    "held": "the invoice had been held back",
    "terms": "the terms were corrected",
    "withdrawn": "a delivered file was withdrawn",
}
KINDS = {"charge": "Usage", "subscription": "Subscription", "adjustment": "Adjustment", "credit": "Credit"}
DOCUMENTS = {"invoice": "Invoice", "credit_note": "Credit note", "statement": "Statement without charge"}
COMPOSITIONS = {
    "consumer_only": "Consumer only",
    "bot_only": "Bot only",
    "human_only": "Agent only",
    "bot_consumer": "Bot and consumer",
    "human_consumer": "Agent and consumer",
    "human_bot": "Agent and bot",
    "human_bot_consumer": "Agent, bot and consumer",
}
PROMISES = {"response": "Response", "update": "Periodic update", "rca": "Root cause analysis"}
BASES = {"derived": "derived from stated prices", "negotiated": "as negotiated", "stated": "as stated in the plan"}

# Names that Windows keeps for devices, whatever follows a dot.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789")}
LONGEST_NAME = 120


def month_name(period: date) -> str:
    """A period as `April 2026`."""
    return f"{MONTHS[period.month - 1]} {period.year}"


def month_code(period: date | None) -> str:
    """A period as `2026-04`; empty for none."""
    return "" if period is None else f"{period.year:04d}-{period.month:02d}"


def day(value: date | None) -> str:
    """A date in ISO 8601; empty for none."""
    return "" if value is None else value.isoformat()


def span(start: date | None, end: date | None) -> str:
    """A half-open stretch of dates as its first and last date, both included: what a customer takes it for."""
    if start is None or end is None:
        return day(start)
    last = end - timedelta(days=1)
    return day(start) if last <= start else f"{day(start)} to {day(last)}"


def quantity(value: Decimal | int | None) -> str:
    """A quantity with thousands separated and no needless zeros; empty for none."""
    if value is None:
        return ""
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value: Decimal | None, currency: str, units: Mapping[str, int]) -> str:
    """Money in its currency's minor units and its code behind; more decimals are shown where they are not zero."""
    return "" if value is None else f"{_decimals(value, units.get(currency, 4))} {currency}"


def price(value: Decimal | None, currency: str, units: Mapping[str, int]) -> str:
    """The price of a unit or block; at least the minor units, more decimals where the price has them."""
    return amount(value, currency, units)


def _decimals(value: Decimal, at_least: int) -> str:
    """Exact: at least so many decimals, more only where they are not zero."""
    shown = max(at_least, -int(value.normalize().as_tuple().exponent))
    return f"{value:,.{shown}f}"


def percent(fraction: Decimal | None) -> str:
    """A share of one as a percentage with one decimal; empty for none."""
    return "" if fraction is None else f"{fraction * 100:,.1f} %"


def reasons(codes: str | None) -> str:
    """The reasons of an adjustment in words; a code that has none stays as it is."""
    return "; ".join(REASONS.get(code.strip(), code.strip()) for code in (codes or "").split(",") if code.strip())


def line_title(line: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> str:
    """What a line is called: an adjustment after the charge that it adjusts, where its contract has that line too."""
    if line["line_kind"] == "adjustment" and line["charge_id"]:
        for other in lines:
            if other["charge_id"] == line["charge_id"] and other["line_kind"] in ("charge", "subscription"):
                return f"Adjustment of {month_code(line['usage_period'])}: {other['description']}"
    return line["description"] or KINDS.get(line["line_kind"], line["line_kind"])


def folder_name(account_id: str) -> str:
    """An account's id as the name of one folder: no path can be made of it, and two ids never share a name.

    Letters, digits, `_` and `-` stay, `.` too inside; everything else is percent-encoded UTF-8, and so is the first
    letter of a name that Windows keeps for a device. What would be too long ends in `~` and the id's SHA-256. Ids that
    differ only in case need a file system that tells case apart.
    """
    name = quote(account_id, safe="", errors="surrogatepass").replace("~", "%7E")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if name.endswith("."):
        name = f"{name[:-1]}%2E"
    if name.split(".")[0].lower() in RESERVED:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(account_id.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{name[: LONGEST_NAME - 65].rstrip('%')}~{digest}"
    return name or "%"
