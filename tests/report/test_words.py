"""One value to one text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from orchestration.report import words

UNITS = {"USD": 2, "JPY": 0, "KWD": 3}


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("1234.5000", "USD", "1,234.50 USD"),
        ("162895.0000", "JPY", "162,895 JPY"),
        ("0.1250", "KWD", "0.125 KWD"),
        ("-39.0000", "USD", "-39.00 USD"),
        ("0.0780", "USD", "0.078 USD"),  # never rounded away
        ("100.0000", "USD", "100.00 USD"),
        ("1E+3", "JPY", "1,000 JPY"),
        ("5.0000", "???", "5.0000 ???"),
    ],
)
def test_money_stands_in_its_minor_units_and_loses_nothing(value: str, currency: str, text: str) -> None:
    assert words.amount(Decimal(value), currency, UNITS) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("2000.000000", "2,000"), ("246.800000", "246.8"), ("0", "0"), ("-3.000000", "-3"), ("100", "100")],
)
def test_a_quantity_has_no_needless_zeros(value: str, text: str) -> None:
    assert words.quantity(Decimal(value)) == text


def test_a_stretch_of_dates_names_its_last_date() -> None:
    assert words.span(date(2026, 4, 1), date(2026, 5, 1)) == "2026-04-01 to 2026-04-30"
    assert words.span(date(2026, 4, 30), date(2026, 5, 1)) == "2026-04-30"
    assert words.span(None, None) == ""


def test_reasons_are_said_in_words() -> None:
    said = "usage that arrived after the month was closed; the terms were corrected"
    assert words.reasons("late_usage,terms") == said
    assert words.reasons("new_reason") == "new_reason"
    assert words.reasons(None) == ""


AWKWARD = [
    "acme", "Acme", "a.b", ".hidden", "..", ".", "", "a/b", "a%2Fb", "/etc/passwd", "../../up", "a\\b", "con",
    "CON.txt", "con.", "nul", "aux.x", "com1", "été", "ete\u0301", "a b", "a\nb", "a\x00b", "~", "%7E", "%", "x" * 300,
    "x" * 301, "é" * 300, "a~b", "-", "a*?", "<b>",
]  # fmt: skip


def test_an_account_cannot_leave_its_folder_and_none_share_one() -> None:
    names = [words.folder_name(account) for account in AWKWARD]
    assert len(set(names)) == len(AWKWARD)
    for name in names:
        assert name
        assert name not in (".", "..")
        assert len(name.encode()) <= 120
        assert not set(name) & set('/\\:*?"<>| \0\n')
        assert not name.startswith(".")
        assert not name.endswith(".")
        assert name.split(".")[0].lower() not in words.RESERVED


def test_a_plain_account_keeps_its_id() -> None:
    assert words.folder_name("alpine_2025-EU.north") == "alpine_2025-EU.north"
