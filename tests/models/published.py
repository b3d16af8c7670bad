"""The published file's macros over a scratch warehouse, and exact arithmetic for what they print.

The macros are the project's own, written by publication; the sums are worked out with fractions, in plain Python.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import duckdb
from oracle.arithmetic import rounded

from models.runner import ROOT, Scratch
from orchestration.published_macros import published_macros, write_macros
from orchestration.settings import Settings

F = Fraction


def with_macros(scratch: Scratch) -> None:
    """Write the macros into the scratch database, beside its marts."""
    connection = scratch.connection
    for (name,) in connection.execute(
        "select function_name from duckdb_functions() where database_name = current_database() and not internal"
    ).fetchall():
        connection.execute(f"drop macro table {name}")
    database = connection.execute("select current_database()").fetchall()[0][0]
    write_macros(connection, database, published_macros(Settings(home=ROOT, as_of=None, project_root=ROOT)))  # type: ignore[arg-type]


USAGE = (
    "dim_site_days",
    "fct_channel_credits",
    "fct_cobrowse_sessions",
    "fct_daily_active_relationships",
    "fct_function_invocation_arrivals",
    "fct_listening_credits",
)

FUNCTIONS: dict[str, Callable[..., Fraction]] = {
    "greatest": lambda *values: max(values),
    "least": lambda *values: min(values),
    "ceil": lambda value: F(math.ceil(value)),
    "floor": lambda value: F(math.floor(value)),
    "round": lambda value, digits: rounded(value, int(digits)),
}
OPERATORS: dict[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}


def worked_out(arithmetic: str) -> Fraction:
    """What a sum of the macros comes to, exactly. ValueError for what is no arithmetic."""

    def value(node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(int() | float()):
                return F(ast.get_source_segment(arithmetic, node) or "")
            case ast.UnaryOp(ast.USub(), operand):
                return -value(operand)
            case ast.BinOp(left, operator, right):
                return OPERATORS[type(operator)](value(left), value(right))
            case ast.Call(ast.Name(name), arguments):
                return FUNCTIONS[name](*(value(argument) for argument in arguments))
        raise ValueError(arithmetic)

    return value(ast.parse(arithmetic, mode="eval").body)


def check_explanations(connection: duckdb.DuckDBPyConnection, line_ids: list[str] | None = None) -> int:
    """Every step of every line says what it comes to, and the last is the amount; how many steps were worked out.

    With `line_ids` only those lines.
    """
    worked = 0
    wanted = "" if line_ids is None else "where list_contains($ids, invoice_line_id)"
    lines = connection.execute(
        f"select invoice_line_id, amount, quantity, line_kind from billing.fct_invoice_lines {wanted} order by 1",
        {} if line_ids is None else {"ids": line_ids},
    ).fetchall()
    shares = dict(
        connection.execute(
            "select invoice_line_id, count(*) from billing.fct_invoice_line_sites group by invoice_line_id"
        ).fetchall()
    )
    for line_id, amount, quantity, kind in lines:
        steps = connection.execute(
            "select topic, arithmetic, result, unit from explain_invoice_line($id) order by step", {"id": line_id}
        ).fetchall()
        for topic, arithmetic, result, _ in steps:
            if arithmetic is not None:
                worked += 1
                exact = worked_out(arithmetic)
                # Costs are shown to six decimals; everything that is charged is exact.
                is_exact = exact == result or (topic in ("cost", "tier") and rounded(exact, 6) == rounded(F(result), 6))
                assert is_exact, (line_id, topic, arithmetic, result)
        topics = [topic for topic, *_ in steps]
        assert steps[-1][0] == "amount" and F(steps[-1][2]) == F(amount), (line_id, steps)
        parts = [F(result) for topic, _, result, _ in steps if topic == "rounding"]
        if kind in ("charge", "subscription"):
            assert parts == [F(amount)], (line_id, steps)
            assert [F(row[2]) for row in steps if row[0] == "quantity"] == [F(quantity)], line_id
        if kind == "adjustment":
            [(now, before)] = zip(*[[F(r[2]) for r in steps if r[0] == topic] for topic in ("now", "billed before")],
                                  strict=True)  # fmt: skip
            assert sum(parts) == now and now - before == F(amount), (line_id, steps)
            assert "reason" in topics, line_id
        of_sites = [F(result) for topic, _, result, _ in steps if topic == "site share"]
        assert len(of_sites) == shares.get(line_id, 0) and sum(of_sites) in (F(amount), F(0) if not of_sites else None)
        if "blocks" in topics and "tier" in topics:
            raise AssertionError(f"{line_id} has blocks and tiers")
    return worked


def check_usage(connection: duckdb.DuckDBPyConnection) -> int:
    """What stands behind every line adds up to its quantity, and nothing open has changed since; how many rows.

    Every unit has its evidence, lies on the line's dates, and stands once behind a line.
    """
    rows = 0
    lines = connection.execute(
        "select invoice_line_id, quantity, status, line_kind, usage_from, usage_to "
        "from billing.fct_invoice_lines order by 1"
    ).fetchall()
    for line_id, quantity, status, kind, usage_from, usage_to in lines:
        behind = connection.execute(
            "select kind, site_id, activity_date, relationship_id, channel, conversation_id, session_id, function_id, "
            "quantity from usage_behind($id)",
            {"id": line_id},
        ).fetchall()
        rows += len(behind)
        assert sum((F(row[-1] or 0) for row in behind), F(0)) == F(quantity or 0), (line_id, quantity, behind)
        units = [row[:-1] for row in behind if row[2] is not None and row[0] != "function day"]
        assert len(units) == len(set(units)), (line_id, behind)
        for row in behind:
            assert row[2] is None or usage_from <= row[2] < usage_to, (line_id, row)
            assert row[0] not in ("DAR", "channel credit", "listened conversation", "Co-Browse session") or row[5], row
        changed = [row for row in behind if row[0] == "changed since"]
        assert not changed or status == "final" or kind == "adjustment", (line_id, changed)
    return rows


def check_bridge(connection: duckdb.DuckDBPyConnection, terms_change: bool = True) -> int:
    """Every bridge leads from last month's document to this one's; how many of them have a difference.

    The price makes one only where terms change, the volume only where a quantity does.
    """
    documents = {
        (contract, period): F(amount)
        for contract, period, amount in connection.execute(
            "select contract_id, billing_period, amount from billing.fct_invoices"
        ).fetchall()
    }
    quantities: dict[tuple, dict[str, Fraction]] = {}
    for contract, period, charge, quantity in connection.execute(
        "select contract_id, billing_period, charge_id, sum(quantity) from billing.fct_invoice_lines "
        "where line_kind in ('charge', 'subscription') group by all"
    ).fetchall():
        quantities.setdefault((contract, period), {})[charge] = F(quantity)
    bridges = connection.execute("from billing.fct_invoice_bridge").fetchall()
    names = [column[0] for column in connection.description or ()]
    seen = set()
    for values in bridges:
        row = dict(zip(names, values, strict=True))
        key = (row["contract_id"], row["billing_period"])
        seen.add(key)
        last = (key[0], (key[1] - timedelta(days=1)).replace(day=1))
        steps = ("volume", "price", "late_usage", "plan_change", "credit", "other")
        total = F(row["previous_amount"]) + sum(F(row[f"{step}_amount"]) for step in steps)
        assert total == F(row["amount"]) == documents.get(key, F(0)), row
        assert F(row["previous_amount"]) == documents.get(last, F(0)), row
        assert terms_change or row["price_amount"] == 0, row
        assert quantities.get(key) != quantities.get(last) or row["volume_amount"] == 0, row
    assert set(documents) <= seen
    return sum(row[names.index("amount")] != row[names.index("previous_amount")] for row in bridges)
