"""What finance asks of the published file of the demo: drill-down that ties to the line, documents as they read."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from models.published import check_explanations, check_usage
from models.runner import POLICY
from standards.double_entry import as_booked, booked, imbalances
from standards.focus_rules import offences

from end_to_end import cookbook
from end_to_end.story_demo import CLOSED, DRAFTED, Demo

MACROS = ("explain_invoice_line", "invoice", "usage_behind")


@pytest.fixture(scope="module")
def finance(demo_story: Demo) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo_story.published), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def test_every_line_explains_its_amount(finance: duckdb.DuckDBPyConnection) -> None:
    assert check_explanations(finance) > 200


def test_what_stands_behind_every_line_adds_up_to_its_quantity(finance: duckdb.DuckDBPyConnection) -> None:
    assert check_usage(finance) > 10_000
    # Late usage came after the seal of March: closed lines still show what they rested on, adjustments the rest.
    lines = finance.execute("select invoice_line_id, line_kind from billing.fct_invoice_lines").fetchall()
    assert "adjustment" in {kind for _, kind in lines}
    for line_id, _ in lines:
        changed = finance.execute("select * from usage_behind($id) where kind = 'changed since'", {"id": line_id})
        assert changed.fetchall() == [], line_id


def test_a_document_reads_as_its_lines_and_their_total(finance: duckdb.DuckDBPyConnection) -> None:
    documents = finance.execute(
        "select account_id, billing_period, lines, amount from billing.fct_invoices order by all"
    ).fetchall()
    for account, period, lines, amount in documents:
        for month in (period, f"{period:%Y-%m}"):
            rows = finance.execute(
                "select position, line_kind, amount from invoice($account, $month)",
                {"account": account, "month": month},
            ).fetchall()
            assert [row[0] for row in rows] == list(range(1, lines + 2)), account
            assert rows[-1][1:] == ("total", amount), account
            assert sum(Fraction(row[2]) for row in rows[:-1]) == Fraction(amount), account


@pytest.mark.parametrize("name", MACROS)
def test_a_macro_is_found_by_its_bare_name_and_explains_itself(finance: duckdb.DuckDBPyConnection, name: str) -> None:
    [(comment, schema)] = finance.execute(
        "select comment, schema_name from duckdb_functions() where function_name = ?", [name]
    ).fetchall()
    assert schema == "main" and "Example: from " + name in comment
    example = comment.split("Example: ")[1]
    expected = finance.execute(example).fetchall()
    assert expected
    # Attached under any name: after `use`, the same.
    path = finance.execute("select path from duckdb_databases() where not internal").fetchall()[0][0]
    with duckdb.connect() as other:
        other.execute(f"attach '{path}' as books (read_only)")
        other.execute("set TimeZone = 'UTC'")
        other.execute("use books")
        assert other.execute(example).fetchall() == expected


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("period", "draft"), [(CLOSED, ""), (DRAFTED, ".draft")])
def test_focus_and_journal_follow_their_rules(demo_story: Demo, period: str, draft: str) -> None:
    folder = demo_story.first_exports / period
    focus, journal, lines, documents = (
        read(folder / f"{name}{draft}.csv") for name in ("focus", "journal", "invoice_lines", "invoices")
    )
    assert offences(focus) == [] and len(focus) == len(lines)
    billed: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for row in focus:
        billed[row["x_ContractId"], row["BillingCurrency"]] += Fraction(row["BilledCost"])
    assert billed == {(row["contract_id"], row["currency_code"]): Fraction(row["amount"]) for row in documents}
    accounts, [issuer] = read(POLICY / "gl_accounts.csv"), read(POLICY / "issuers.csv")
    assert imbalances(journal) == [] and len({row["currency_code"] for row in journal}) == 3
    assert as_booked(journal) == booked(lines, documents, accounts, issuer["entity"])


def test_every_query_of_the_cookbook_gives_what_the_page_says(demo_story: Demo) -> None:
    page = cookbook.PAGE.read_text(encoding="utf-8")
    assert len(cookbook.queries(page)) == page.count("\n## ") == 10
    with cookbook.open_published(demo_story.published) as connection:
        found = cookbook.with_results(page, connection)
    assert found == page, "docs/cookbook.md is not what the demo says: run tests/end_to_end/cookbook.py"
