"""`oracle.compare` finds what differs and nothing else: judged on a DuckDB file filled from the oracle itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest
from oracle import Result, compute
from oracle.arithmetic import decimal
from oracle.build import (
    STARTER_POLICY,
    conversation,
    invocation,
    message,
    millis,
    one_site,
    write_lines,
    write_policy,
    write_reference,
)
from oracle.compare import (
    INVOICE_KEY,
    INVOICE_VALUES,
    LINE_KEY,
    LINE_VALUES,
    USAGE_TABLES,
    billed_by_usage_period,
    differences,
)

MARCH = date(2026, 3, 1)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("compare")
    landing = folder / "landing"
    one_site(landing)
    credit = {"credit_id": "g", "contract_id": "c1", "usage_period": "2026-03", "amount": "1", "currency_code": "USD"}
    write_reference(landing, credits=[credit | {"approved_by": "cfo"}])
    day = millis("2026-03-05 10:00")
    write_lines(
        landing,
        "messaging_interactions/1.jsonl",
        [
            conversation("v1", [message("m1", day), message("m1", day + 1), message("m2", day, "Agent")]),
            conversation("v2", [message("m1", day)], source="PIGEON"),
            "broken",
        ],
    )
    write_lines(landing, "function_invocations/1.jsonl", [invocation("i1", day, 150_251)])
    tiered = {
        "rate_plan_id": "starter",
        "charge_id": "tiered",
        "meter": "dar",
        "charge_model": "graduated",
        "price_basis": "negotiated",
    }
    policy = write_policy(
        folder / "policy",
        rate_plan_charges=[*STARTER_POLICY["rate_plan_charges"], tiered],
        rate_plan_tiers=[{"charge_id": "tiered", "tier_from": "0", "unit_price": "0.3333", "flat_price": "1"}],
    )
    return compute(landing, policy, datetime(2026, 11, 20, tzinfo=UTC), MARCH)


def sql_type(column: str, value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, datetime):
        return "timestamptz"
    if isinstance(value, date) or column in ("usage_to", "usage_from"):
        return "date"
    if isinstance(value, (int, Fraction)):
        return "decimal(38, 6)"
    return "varchar"


def fill(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], rows: list[dict]) -> None:
    def stored(value: Any) -> Any:
        is_number = isinstance(value, (int, Fraction)) and not isinstance(value, bool)
        return decimal(Fraction(value), 6) if is_number else value

    samples = {c: next((row[c] for row in rows if row.get(c) is not None), None) for c in columns}
    numbers = {"included_quantity", "user_limit", "tier_to", "line"}
    types = ", ".join(
        f"{c} {'decimal(38, 6)' if v is None and c in numbers else sql_type(c, v)}" for c, v in samples.items()
    )
    connection.execute(f"create table {table} ({types})")
    for row in rows:
        marks = ", ".join("?" for _ in columns)
        connection.execute(f"insert into {table} values ({marks})", [stored(row.get(c)) for c in columns])


@pytest.fixture
def warehouse(tmp_path: Path, result: Result) -> Path:
    path = tmp_path / "w.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute("set TimeZone = 'Asia/Tokyo'")
    for schema in ("usage", "billing", "quality"):
        connection.execute(f"create schema {schema}")
    for table, (attribute, key, values) in USAGE_TABLES.items():
        fill(connection, table, (*key, *values), getattr(result, attribute))
    ids = {tuple(row[c] for c in LINE_KEY): str(n) for n, row in enumerate(result.lines)}
    lines = [{"invoice_line_id": ids[tuple(row[c] for c in LINE_KEY)]} | row for row in result.lines]
    fill(connection, "billing.fct_invoice_lines", ("invoice_line_id", *LINE_KEY, *LINE_VALUES), lines)
    for table, rows, columns in (
        ("sites", result.line_sites, ("site_id", "quantity", "amount")),
        ("tiers", result.line_tiers, ("tier_from", "tier_to", "quantity", "unit_price", "flat_price", "amount")),
    ):
        rows = [{"invoice_line_id": ids[row["line"]]} | row for row in rows]
        fill(connection, f"billing.fct_invoice_line_{table}", ("invoice_line_id", *columns), rows)
    fill(connection, "billing.fct_invoices", (*INVOICE_KEY, *INVOICE_VALUES), result.invoices)
    fill(connection, "quality.fct_rejected_records", ("feed", "file", "line"), result.rejected)
    fill(connection, "quality.fct_conflicts", ("feed", "copies", "winner_file"), result.conflicts)
    connection.close()
    return path


def test_the_same_rows_have_no_differences(warehouse: Path, result: Result) -> None:
    assert len(result.conflicts) == 1 and len(result.rejected) == 1 and result.line_tiers and result.unrated
    assert differences(warehouse, result) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "update usage.fct_daily_active_relationships set composition = 'bot_only'",
            "usage.fct_daily_active_relationships (s1, k1, 2026-03-05): "
            "composition is bot_only, should be human_consumer",
        ),
        (
            "delete from usage.fct_channel_credits",
            "usage.fct_channel_credits (s1, k1, 2026-03-05, Web Messaging): missing: is_listed=True, credits=1",
        ),
        (
            "update billing.fct_invoice_lines set amount = amount + 0.01 where charge_id = 'starter_functions'",
            "billing.fct_invoice_lines (c1, 2026-03-01, 2026-03-01, charge, starter_functions, 2026-03-01): "
            "amount is 0.79, should be 0.78",
        ),
        (
            "insert into billing.fct_invoice_line_sites select invoice_line_id, 's9', 0, 1 "
            "from billing.fct_invoice_lines where line_kind = 'credit'",
            "billing.fct_invoice_line_sites (c1, 2026-03-01, 2026-03-01, credit, null, null, s9): "
            "unexpected: quantity=0, amount=1",
        ),
        (
            "update billing.fct_invoice_line_tiers set amount = amount + 0.0001",
            "billing.fct_invoice_line_tiers (c1, 2026-03-01, 2026-03-01, charge, tiered, 2026-03-01, 0): "
            "amount is 1.3334, should be 1.3333",
        ),
        (
            "delete from quality.fct_rejected_records",
            "quality.fct_rejected_records (feed, file, line) "
            "('messaging_interactions', 'messaging_interactions/1.jsonl', 3): 0, should be 1",
        ),
    ],
)
def test_a_difference_is_named(warehouse: Path, result: Result, change: str, expected: str) -> None:
    connection = duckdb.connect(str(warehouse))
    connection.execute(change)
    assert differences(connection, result) == [expected]
    connection.close()


def test_billed_by_usage_period_leaves_credits_out(warehouse: Path) -> None:
    connection = duckdb.connect(str(warehouse), read_only=True)
    billed = billed_by_usage_period(connection)
    assert len(billed) == 6
    assert billed["c1", "starter_functions", MARCH] == (150_251, Fraction("0.78"))
