"""focus.csv and journal.csv on random rated contracts and on a month with everything in it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from models.runner import POLICY, Scratch
from rating_cases import Batch, batches, load
from standards.double_entry import COLUMNS, as_booked, booked, imbalances
from standards.focus_rules import MANDATORY, offences
from test_rating_properties import IDLE

from orchestration.books import Books
from orchestration.settings import LedgerError
from orchestration.standards.files import query, write_focus, write_journal
from orchestration.tables import csv_cell

F = Fraction
MARTS = ("fct_invoice_lines", "fct_invoice_line_terms", "fct_invoice_line_sites", "fct_invoices")
VIEWS = {
    "invoice_lines": "billing.fct_invoice_lines where billing_period = date '{period}'",
    "invoices": "billing.fct_invoices where billing_period = date '{period}'",
    "invoice_line_terms": "billing.fct_invoice_line_terms",
    "invoice_line_sites": "billing.fct_invoice_line_sites",
    "meters": "policy.meters",
    "gl_accounts": "policy.gl_accounts",
    "issuers": "policy.issuers",
    "accounts": "raw.accounts",
}


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    made.fill("raw.run_settings", [{"as_of": "2026-01-01 00:00:00+00", "period": "2026-01-01", "tzdata_version": "-"}])
    made.run(*IDLE, *MARTS)
    made.connection.execute("set disable_timestamptz_casts = false")  # the books' connection has no such setting
    yield made
    made.close()


def open_books(scratch: Scratch, period: date) -> Books:
    """The books of a month over the scratch marts."""
    scratch.fill_policy(names=["meters", "gl_accounts", "issuers"])
    scratch.connection.execute("create schema if not exists books")
    for name, source in VIEWS.items():
        scratch.connection.execute(f"create or replace view books.{name} as from {source.format(period=period)}")
    return Books(scratch.connection, period, "draft", {})


def texts(scratch: Scratch, select: str) -> list[dict[str, str]]:
    """A query's rows as the cells of a CSV file."""
    return [{name: csv_cell(value) for name, value in row.items()} for row in scratch.rows(select)]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def check(scratch: Scratch, books: Books, folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Write both; the rules hold, the sums are the documents', and the journal is the bookkeeper's."""
    csv_file, parquet = write_focus(books, folder)
    focus = read(folder / csv_file.name)
    assert offences(focus) == []
    lines = texts(scratch, "from books.invoice_lines")
    documents = texts(scratch, "from books.invoices")
    assert len(focus) == len(lines) == csv_file.rows == parquet.rows
    billed: dict[tuple[str, str], Fraction] = {}
    for row in focus:
        key = (row["x_ContractId"], row["BillingCurrency"])
        billed[key] = billed.get(key, F(0)) + F(row["BilledCost"])
    assert billed == {(row["contract_id"], row["currency_code"]): F(row["amount"]) for row in documents}
    number = {row["invoice_id"]: row["document_number"] for row in documents}
    of_line = {row["invoice_line_id"]: number[row["invoice_id"]] for row in lines}
    assert {row["x_InvoiceLineId"]: row["InvoiceId"] for row in focus} == of_line
    [journal_file] = write_journal(books, folder)
    journal = read(folder / journal_file.name)
    assert imbalances(journal) == []
    assert as_booked(journal) == booked(lines, documents, _policy("gl_accounts"), _policy("issuers")[0]["entity"])
    return focus, journal


def _policy(name: str) -> list[dict[str, str]]:
    return read(POLICY / f"{name}.csv")


@settings(max_examples=max(settings().max_examples // 4, 5))
@given(batch=batches())
def test_random_contracts_export_by_the_rules(
    scratch: Scratch, tmp_path_factory: pytest.TempPathFactory, batch: Batch
) -> None:
    load(batch, scratch)
    scratch.run(*MARTS, without=IDLE)
    check(scratch, open_books(scratch, batch.period), tmp_path_factory.mktemp("books"))


# --- a month with everything in it: a credit, corrections up and down, a held document -----------------------------

MARCH, APRIL = (
    {"usage_period": "2026-03-01", "usage_from": "2026-03-01", "usage_to": "2026-04-01"},
    {
        "usage_period": "2026-04-01",
        "usage_from": "2026-04-01",
        "usage_to": "2026-05-01",
    },
)


def line(name: str, kind: str, meter: str | None, amount: str, month: dict[str, str], **more: Any) -> dict[str, Any]:
    return month | {
        "invoice_line_id": name, "invoice_id": "c:2026-04", "account_id": "a", "contract_id": "c",
        "billing_period": "2026-04-01", "line_kind": kind, "charge_id": None if kind == "credit" else f"plan_{meter}",
        "meter": meter, "charge_model": "standard", "description": f"Line {name}", "quantity": "10", "amount": amount,
        "currency_code": "USD", "status": "draft", "blocks": "10",
    } | more  # fmt: skip


LINES: Sequence[dict[str, Any]] = (
    line("base", "subscription", "subscription", "500", APRIL, charge_model="flat", blocks=None, quantity="1"),
    line("dar", "charge", "dar", "78", APRIL, charge_model="package", blocks="2", quantity="2150"),
    line("thirds", "charge", "listening", "3.33", APRIL, blocks="3.333333"),
    line("bounded", "charge", "cobrowse_session", "20", APRIL),
    line("late", "adjustment", "dar", "39", MARCH, blocks=None, reasons="late_usage", quantity="3"),
    line("back", "adjustment", "listening", "-100.25", MARCH, blocks=None, reasons="withdrawn", quantity="-7"),
    line("base_back", "adjustment", "subscription", "-5", MARCH, blocks=None, reasons="terms", quantity="0"),
    line("credit", "credit", None, "-45", MARCH, charge_model=None, blocks=None, quantity=None),
    line("held", "charge", "dar", "12.5", APRIL, invoice_id="h:2026-04", contract_id="h", status="held"),
)
TERMS = (
    {"invoice_line_id": "base", "unit_price": "500", "cost": "500"},
    {"invoice_line_id": "dar", "unit_price": "39", "cost": "78", "block_size": "100"},
    {"invoice_line_id": "thirds", "unit_price": "1", "cost": "3.333333333", "block_size": "3"},
    {"invoice_line_id": "bounded", "unit_price": "0.39", "cost": "3.9"},
    {"invoice_line_id": "held", "unit_price": "1.25", "cost": "12.5"},
    {"invoice_line_id": "late", "unit_price": "39", "cost": "39"},
)


@pytest.fixture
def month(scratch: Scratch) -> Books:
    """A draft; `finished` makes it final."""
    scratch.empty()
    scratch.run(*IDLE, *MARTS)
    scratch.add("billing.fct_invoice_lines", LINES)
    named = [{"part_number": 1, "amount_arithmetic": "-", "amount": 0} | row for row in TERMS]
    scratch.add("billing.fct_invoice_line_terms", named)
    shares = [
        {"invoice_line_id": row["invoice_line_id"], "site_id": "s", "quantity": row["quantity"],
         "amount": row["amount"]} for row in LINES
    ]  # fmt: skip
    scratch.add("billing.fct_invoice_line_sites", shares)
    scratch.connection.execute(
        "insert into billing.fct_invoices by name select invoice_id, any_value(account_id) as account_id, contract_id, "
        "billing_period, currency_code, sum(amount) as amount, count(*) as lines, any_value(status) as status, "
        "'invoice' as document_type from billing.fct_invoice_lines group by all"
    )
    return open_books(scratch, date(2026, 4, 1))


def finished(scratch: Scratch, books: Books) -> Books:
    for name in ("invoices", "invoice_lines"):
        scratch.connection.execute(f"update billing.fct_{name} set status = 'final' where contract_id = 'c'")
        scratch.connection.execute(f"delete from billing.fct_{name} where contract_id = 'h'")
    scratch.connection.execute("update billing.fct_invoices set document_number = 'INV-7', issue_date = '2026-05-04'")
    return replace(books, status="final")


def test_kinds_of_lines_are_what_focus_calls_them(scratch: Scratch, month: Books, tmp_path: Path) -> None:
    focus, journal = check(scratch, month, tmp_path)
    assert (tmp_path / "focus.draft.csv").exists() and (tmp_path / "journal.draft.csv").exists()
    found = {row["x_InvoiceLineId"]: row for row in focus}
    assert {name: (row["ChargeCategory"], row["ChargeClass"]) for name, row in found.items()} == {
        "base": ("Purchase", ""), "dar": ("Usage", ""), "thirds": ("Usage", ""), "bounded": ("Usage", ""),
        "held": ("Usage", ""), "late": ("Usage", "Correction"), "back": ("Usage", "Correction"),
        "base_back": ("Purchase", "Correction"), "credit": ("Credit", ""),
    }  # fmt: skip
    priced = {name: (F(row["PricingQuantity"]), row["PricingUnit"], F(row["ContractedUnitPrice"]))
              for name, row in found.items() if row["PricingQuantity"]}  # fmt: skip
    assert priced == {
        "base": (F(1), "Months", F(500)), "dar": (F(2), "100 DAR", F(39)), "bounded": (F(10), "session", F("0.39")),
        "thirds": (F(1), "Months", F("3.333333333")), "held": (F(10), "DAR", F("1.25")),
    }  # fmt: skip
    assert {row["InvoiceId"] for row in focus} == {""}
    assert (found["late"]["BillingPeriodStart"], found["late"]["ChargePeriodStart"], found["late"]["ChargePeriodEnd"]) \
        == ("2026-04-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")  # fmt: skip
    assert {row["journal_id"] for row in journal} == {"accrual:c:2026-04"}
    assert tuple(journal[0]) == COLUMNS


def test_a_closed_month_reverses_its_accrual_and_bills(scratch: Scratch, month: Books, tmp_path: Path) -> None:
    focus, journal = check(scratch, finished(scratch, month), tmp_path)
    assert {row["InvoiceId"] for row in focus} == {"INV-7"}
    left: dict[str, Fraction] = {}
    for row in journal:
        left[row["gl_account"]] = left.get(row["gl_account"], F(0)) + F(row["debit"]) - F(row["credit"])
    # Nothing is left unbilled; what the customer owes is the document, and the income is the lines'.
    assert left == {
        "1200": F("490.08"), "1210": F(0), "4000": F(-495), "4010": F(-117), "4030": F("96.92"), "4040": F(-20),
        "4900": F(45),
    }  # fmt: skip
    assert {row["journal_id"]: (row["posting_date"], row["accounting_period"], row["document_number"])
            for row in journal} == {
        "accrual:c:2026-04": ("2026-04-30", "2026-04-01", ""),
        "reversal:c:2026-04": ("2026-05-04", "2026-05-01", "INV-7"),
        "invoice:c:2026-04": ("2026-05-04", "2026-05-01", "INV-7"),
    }  # fmt: skip


def test_a_meter_without_an_account_is_named(scratch: Scratch, month: Books, tmp_path: Path) -> None:
    scratch.connection.execute("delete from policy.gl_accounts where meter = 'listening'")
    with pytest.raises(LedgerError, match=r"listening.*gl_accounts\.csv"):
        write_journal(month, tmp_path)


def test_a_line_that_is_lost_or_doubled_stops_the_export(scratch: Scratch, month: Books, tmp_path: Path) -> None:
    scratch.connection.execute(
        "insert into billing.fct_invoice_line_terms by name "
        "select * replace (2 as part_number) from billing.fct_invoice_line_terms where invoice_line_id = 'dar'"
    )
    with pytest.raises(LedgerError, match="nothing was exported"):
        write_focus(month, tmp_path)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"EffectiveCost": ""}, "mandatory_values"),
        ({"EffectiveCost": "1,000"}, "types"),
        ({"ChargeCategory": "Fee"}, "allowed"),
        ({"ConsumedQuantity": ""}, "categories_rule"),
        ({"PricingUnit": ""}, "categories_rule"),
        ({"ContractedUnitPrice": "40"}, "price_times_quantity"),
        ({"ChargePeriodStart": "2026-03-01T00:00:00Z", "ChargePeriodEnd": "2026-04-01T00:00:00Z"}, "half_open"),
        ({"ChargeClass": "Correction"}, "half_open"),
        ({"x_SiteShares": '[{"SiteId": "s", "Quantity": 1, "BilledCost": 1}]'}, "site_shares"),
        ({"Cost": "1"}, "columns_are_named"),
    ],
)
def test_the_rules_see_what_is_wrong(scratch: Scratch, month: Books, changes: dict[str, str], rule: str) -> None:
    rows = [row for row in texts(scratch, query("focus").rstrip()) if row["x_InvoiceLineId"] == "dar"]
    assert offences(rows) == [] and set(MANDATORY) <= set(rows[0])
    assert rule in " ".join(offences([rows[0] | changes]))
