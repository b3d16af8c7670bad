"""The short tables that commands end with, read from the published file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration import gates
from orchestration.exports import export_folder, read_manifest
from orchestration.publication import published_file
from orchestration.settings import Settings, connect
from orchestration.state import month
from orchestration.terminal import BOLD, GREEN, RED, YELLOW, paint, table

ROWS_SHOWN = 40
SMALLEST = Decimal("0.0001")
COLOURS = {"held": RED, "draft": YELLOW, "final": GREEN, "over": RED, "near": YELLOW, "closed": GREEN}


def minor_units(settings: Settings) -> dict[str, Decimal]:
    """The smallest amount of each currency, from the policy rows."""
    with (settings.policy / "currencies.csv").open(encoding="utf-8", newline="") as file:
        return {row["currency_code"]: Decimal(1).scaleb(-int(row["minor_units"])) for row in csv.DictReader(file)}


def invoice_table(settings: Settings, period: date | None = None) -> str:
    """The documents of a period, or of all; amounts with their currency."""
    with duckdb.connect(str(published_file(settings)), read_only=True) as connection:
        rows = connection.execute(
            """
            select
                strftime(billing_period, '%Y-%m'), coalesce(accounts.account_name, invoices.account_id), contract_id,
                document_type, coalesce(document_number, ''), lines, amount, invoices.currency_code, status
            from billing.fct_invoices as invoices
            left join reference.dim_accounts as accounts on invoices.account_id = accounts.account_id
            where billing_period = coalesce($period, billing_period)
            order by billing_period, 2, contract_id
            """,
            {"period": period},
        ).fetchall()
    units = minor_units(settings)
    rows = [(*row[:6], row[6].quantize(units.get(row[7], SMALLEST)), *row[7:]) for row in rows]
    columns = ["period", "account", "contract", "document", "number", "lines", "amount", "currency", "status"]
    text = table(columns, rows[:ROWS_SHOWN], COLOURS)
    more = len(rows) - ROWS_SHOWN
    return f"{text}\nand {more:,} more in billing.fct_invoices" if more > 0 else text


def sealed_without(settings: Settings, period: date) -> list[str]:
    """The contracts that a closed period's seal leaves out (SPEC C5); empty for an open one."""
    with connect(settings) as connection:
        rows = connection.execute(
            "select distinct contract_id from raw.sealed_held_contracts where seal_period = ? order by 1", [period]
        ).fetchall()
    return [row[0] for row in rows]


def _pages(settings: Settings, period: date, manifest: Mapping[str, Any]) -> list[Path]:
    """The report for finance, where the month's folder has one."""
    return [export_folder(settings, period) / name for name in manifest.get("files", {}) if name.startswith("report.")]


def run_summary(settings: Settings, period: date, run_id: str) -> str:
    """What a run or a close made, what it warns of, and where everything is."""
    manifest = read_manifest(export_folder(settings, period)) or {}
    lines = [paint(f"Documents of {month(period)}", BOLD), invoice_table(settings, period), ""]
    with connect(settings) as connection:
        warnings = connection.execute(
            "select expectation, table_name, failing_count from quality.gate_results "
            "where run_id = ? and severity = 'warning' and not success order by all",
            [run_id],
        ).fetchall()
        held = connection.execute(
            "select contract_id from billing.fct_invoices where billing_period = ? and status = 'held' order by 1",
            [period],
        ).fetchall()
    if warnings:
        lines += [paint("Warnings", YELLOW), table(["warning", "table", "rows"], warnings), ""]
    if held:
        names = ", ".join(str(row[0]) for row in held[:10])
        lines += [
            paint(f"{len(held)} of these documents are held ({names})", RED)
            + ": see intermediate.int_contract_holds; map the usage, or acknowledge it in acknowledgements.csv.",
            "",
        ]
    left_out = sealed_without(settings, period)
    if left_out:
        lines += [
            paint(f"{len(left_out)} contracts were held and are not in the seal ({', '.join(left_out[:10])})", RED)
            + ": the next close bills them as adjustments once they are released.",
            "",
        ]
    head = manifest.get("head", {})
    facts = [
        ("status", manifest.get("status", "")),
        ("draft digest", manifest.get("draft_digest", "")[:16]),
        ("last seal", f"{head.get('period')} {head.get('sha256')}" if head.get("sha256") else "none yet"),
        ("zone data", f"tzdata {manifest.get('versions', {}).get('tzdata', '')}"),
        ("published", str(published_file(settings))),
        *(("report", str(path)) for path in _pages(settings, period, manifest)),
        ("exports", str(export_folder(settings, period))),
        ("gate report", str(gates.data_docs(settings))),
    ]
    return "\n".join([*lines, table(["", ""], facts).split("\n", 1)[1]])
