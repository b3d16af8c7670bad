"""A DuckDB file (the warehouse or what is published) beside the oracle's rows, column by column.

Left out: ids that the warehouse makes up (lines, invoices, documents), descriptions, dates of documents, and what
only a seal can know (status, reasons). A line stands by (contract, billing period, usage period, kind, charge,
first date). Runs of at most LIMIT messages per table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from . import Result
from .arithmetic import decimal, next_month, rounded

LIMIT = 10
Row = dict[str, Any]
LINE_KEY = ("contract_id", "billing_period", "usage_period", "line_kind", "charge_id", "usage_from")

# table -> (key columns, value columns)
USAGE_TABLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "usage.fct_daily_active_relationships": (
        "dar",
        ("site_id", "relationship_id", "activity_date"),
        (
            "composition",
            "consumer_messages",
            "human_messages",
            "bot_messages",
            "conversations",
            "first_message_at",
            "last_message_at",
            "evidence_conversation_id",
            "evidence_message_id",
        ),
    ),
    "usage.fct_channel_credits": (
        "channel_credits",
        ("site_id", "relationship_id", "activity_date", "channel"),
        ("is_listed", "credits"),
    ),
    "usage.fct_listening_credits": (
        "listening_credits",
        ("site_id", "conversation_id", "relationship_id", "activity_date"),
        ("credits",),
    ),
    "usage.fct_cobrowse_sessions": (
        "cobrowse_sessions",
        ("site_id", "session_id"),
        ("conversation_id", "activity_date", "is_interactive", "credits"),
    ),
    "usage.fct_function_invocations": (
        "function_invocations",
        ("site_id", "function_id", "activity_date"),
        ("invocations", "uncounted_invocations"),
    ),
    "usage.fct_platform_users": (
        "platform_users",
        ("contract_id", "period"),
        ("provisioned_users", "active_users", "user_limit", "is_breach"),
    ),
    "usage.fct_daily_usage": (
        "daily_usage",
        ("site_id", "meter", "activity_date"),
        ("contract_id", "quantity"),
    ),
    "billing.fct_unrated_usage": (
        "unrated",
        ("site_id", "meter", "activity_date", "reason"),
        ("quantity",),
    ),
}
LINE_VALUES = (
    "account_id",
    "usage_to",
    "meter",
    "quantity",
    "included_quantity",
    "billable_quantity",
    "block_size",
    "rounding",
    "blocks",
    "credits",
    "unit_price",
    "price_basis",
    "amount",
    "currency_code",
)
INVOICE_KEY = ("contract_id", "billing_period")
INVOICE_VALUES = ("document_type", "account_id", "purchase_order", "lines", "amount", "currency_code")


def plain(column: str, value: Any) -> Any:
    """A value as both sides can hold it: exact fractions for numbers, UTC instants, None for nothing stated."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        raise TypeError(f"{column}: a float")
    if isinstance(value, (int, Decimal, Fraction)):
        return Fraction(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if column == "rounding" and value in (None, "", "none"):
        return None  # not stated and `none` price the same
    if column == "function_id" and value in ("", "unknown", "(not stated)"):
        return None
    return value


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if isinstance(value, Fraction):
        return f"{decimal(value, 9):f}".rstrip("0").rstrip(".") if value.denominator != 1 else str(value.numerator)
    return "null" if value is None else str(value)


def fetch(connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], where: str = "true") -> list[Row]:
    """Rows of a table as dictionaries, values by `plain`."""
    rows = connection.execute(f"select {', '.join(columns)} from {table} where {where}").fetchall()
    return [{c: plain(c, v) for c, v in zip(columns, row, strict=True)} for row in rows]


def table_differences(
    table: str,
    actual: Iterable[Row],
    expected: Iterable[Row],
    key: Sequence[str],
    values: Sequence[str],
    same: Callable[[str, Any, Any], bool] = lambda column, left, right: left == right,
) -> list[str]:
    """Messages for missing, unexpected and different rows; rows of one key are set side by side in order."""

    def grouped(rows: Iterable[Row]) -> dict[tuple[Any, ...], list[Row]]:
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            own = {column: plain(column, row.get(column)) for column in (*key, *values)}
            groups.setdefault(tuple(own[column] for column in key), []).append(own)
        for group in groups.values():
            group.sort(key=lambda row: [shown(row[column]) for column in values])
        return groups

    left, right = grouped(actual), grouped(expected)
    messages: list[str] = []
    for where in sorted({*left, *right}, key=lambda k: [shown(part) for part in k]):
        name = f"{table} ({', '.join(shown(part) for part in where)})"
        found, wanted = left.get(where, []), right.get(where, [])
        for row in found[len(wanted) :]:
            messages.append(f"{name}: unexpected: " + ", ".join(f"{c}={shown(row[c])}" for c in values))
        for row in wanted[len(found) :]:
            messages.append(f"{name}: missing: " + ", ".join(f"{c}={shown(row[c])}" for c in values))
        for row, want in zip(found, wanted, strict=False):
            unlike = [c for c in values if not same(c, row[c], want[c])]
            if unlike:
                messages.append(
                    f"{name}: " + ", ".join(f"{c} is {shown(row[c])}, should be {shown(want[c])}" for c in unlike)
                )
    if len(messages) > LIMIT:
        messages[LIMIT:] = [f"{table}: and {len(messages) - LIMIT} more differences"]
    return messages


def count_differences(name: str, actual: Counter[Any], expected: Counter[Any]) -> list[str]:
    """Messages for counts that differ."""
    return [
        f"{name} {key}: {actual[key]}, should be {expected[key]}"
        for key in sorted({*actual, *expected}, key=str)
        if actual[key] != expected[key]
    ][:LIMIT]


def differences(
    duckdb_path: Path | str | duckdb.DuckDBPyConnection, result: Result, *, only: Iterable[str] | None = None
) -> list[str]:
    """Every difference between a DuckDB file (or an open connection) and the oracle; empty = the same.

    Adjustments are not expected: for a file with seals compare totals by usage period (`closing.total_billed`).
    `only` names tables, such as ``usage.fct_daily_usage``; names beginning with ``quality.`` compare counts.
    """
    if isinstance(duckdb_path, duckdb.DuckDBPyConnection):
        return _differences(duckdb_path, result, None if only is None else set(only))
    connection = duckdb.connect(str(duckdb_path), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
        return _differences(connection, result, None if only is None else set(only))
    finally:
        connection.close()


def _differences(connection: duckdb.DuckDBPyConnection, result: Result, only: set[str] | None) -> list[str]:
    messages: list[str] = []
    first = result.first_billed_period or date(1, 1, 1)
    end = next_month(result.period)

    def asked(table: str) -> bool:
        return only is None or table in only

    for table, (attribute, key, values) in USAGE_TABLES.items():
        if not asked(table):
            continue
        expected = getattr(result, attribute)
        where = "true"
        # These two are published for the billed months only.
        if table == "usage.fct_platform_users":
            where = f"period >= date '{first}' and period < date '{end}'"
        if table == "billing.fct_unrated_usage":
            where = f"activity_date >= date '{first}' and activity_date < date '{end}'"
            expected = [row for row in expected if first <= row["activity_date"] < end]
        messages += table_differences(table, fetch(connection, table, (*key, *values), where), expected, key, values)

    if asked("billing.fct_invoice_lines"):
        actual = [_as_line(r) for r in fetch(connection, "billing.fct_invoice_lines", (*LINE_KEY, *LINE_VALUES))]
        expected = [_as_line(row) for row in result.lines]
        messages += table_differences("billing.fct_invoice_lines", actual, expected, LINE_KEY, LINE_VALUES)
    joined = ", ".join(f"line.{column}" for column in LINE_KEY)
    if asked("billing.fct_invoice_line_sites"):
        rows = connection.execute(
            f"select {joined}, part.site_id, coalesce(part.quantity, 0), part.amount "
            "from billing.fct_invoice_line_sites as part "
            "join billing.fct_invoice_lines as line using (invoice_line_id)"
        ).fetchall()
        key = (*LINE_KEY, "site_id")
        actual = [_as_line(dict(zip((*key, "quantity", "amount"), row, strict=True))) for row in rows]
        expected = [_as_line(dict(zip(LINE_KEY, row["line"], strict=True)) | row) for row in _keyed(result.line_sites)]
        messages += table_differences("billing.fct_invoice_line_sites", actual, expected, key, ("quantity", "amount"))
    if asked("billing.fct_invoice_line_tiers"):
        tier_values = ("tier_to", "quantity", "unit_price", "flat_price", "amount")
        rows = connection.execute(
            f"select {joined}, part.tier_from, {', '.join('part.' + column for column in tier_values)} "
            "from billing.fct_invoice_line_tiers as part "
            "join billing.fct_invoice_lines as line using (invoice_line_id)"
        ).fetchall()
        key = (*LINE_KEY, "tier_from")
        actual = [dict(zip((*key, *tier_values), row, strict=True)) for row in rows]
        expected = _keyed(result.line_tiers)
        messages += table_differences(
            "billing.fct_invoice_line_tiers",
            [row for row in actual if row["quantity"] or row["amount"]],
            [row for row in expected if row["quantity"] or row["amount"]],
            key,
            tier_values,
            # The amount is unrounded here; a column has a scale.
            lambda c, left, right: left == right or (c == "amount" and abs(left - right) <= Fraction(1, 10**6)),
        )
    if asked("billing.fct_invoices"):
        columns = (*INVOICE_KEY, *INVOICE_VALUES)
        actual = fetch(connection, "billing.fct_invoices", columns)
        messages += table_differences("billing.fct_invoices", actual, result.invoices, INVOICE_KEY, INVOICE_VALUES)
    if asked("quality.fct_rejected_records"):
        columns = ("feed", "file", "line")
        found = fetch(connection, "quality.fct_rejected_records", columns, "feed <> 'support_cases'")
        messages += count_differences(
            "quality.fct_rejected_records (feed, file, line)",
            _counted(found, columns),
            _counted(result.rejected, columns),
        )
    if asked("quality.fct_conflicts"):
        columns = ("feed", "copies", "winner_file")
        found = fetch(connection, "quality.fct_conflicts", columns)
        messages += count_differences(
            "quality.fct_conflicts (feed, copies, winner)",
            _counted(found, columns),
            _counted(result.conflicts, columns),
        )
    return messages


def _as_line(row: Row) -> Row:
    """Credits have no dates of usage; the amount at the scale of a line."""
    own = {name: value for name, value in row.items() if name != "line"}
    if own.get("line_kind") == "credit":
        own["usage_from"] = own["usage_to"] = None
        own["quantity"] = own.get("quantity") or Fraction(0)
    # A charge that states neither includes nothing, in blocks of one.
    for column, unstated in (("unit_price", None), ("included_quantity", 0), ("block_size", 1)):
        value = own.get(column) if own.get(column) is not None or own.get("line_kind") == "credit" else unstated
        own[column] = None if value is None else rounded(Fraction(value), 6)
    return own


def _keyed(rows: Iterable[Row]) -> list[Row]:
    return [dict(zip(LINE_KEY, row["line"], strict=True)) | row for row in rows]


def _counted(rows: Iterable[Row], columns: Sequence[str]) -> Counter[Any]:
    return Counter(tuple(_countable(row[column]) for column in columns) for row in rows)


def _countable(value: Any) -> Any:
    return int(value) if isinstance(value, Fraction) else value


def billed_by_usage_period(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str, date], tuple[Fraction, Fraction]]:
    """(quantity, amount) per (contract, charge, usage period) of all lines but credits, as `closing.total_billed`."""
    rows = connection.execute(
        "select contract_id, charge_id, usage_period, sum(quantity), sum(amount) from billing.fct_invoice_lines "
        "where charge_id is not null group by all"
    ).fetchall()
    return {(row[0], row[1], row[2]): (Fraction(row[3] or 0), Fraction(row[4])) for row in rows}
