"""Is what is about to be closed what a person reviewed? (SPEC C2: DRAFT=<digest>)

The reviewed draft is the one in exports/YYYY-MM/; its digest names it. What does not belong here: closing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from orchestration.content import literal
from orchestration.exports import draft_digest, export_folder, read_manifest
from orchestration.settings import LedgerError, Settings
from orchestration.state import month

LINES_SHOWN = 5


def require_same_draft(connection: duckdb.DuckDBPyConnection, settings: Settings, period: date, digest: str) -> None:
    """LedgerError that shows the difference unless the warehouse's lines are those of the draft with this digest.

    A digest may be shortened to its first eight characters or more, as `make run` prints it.
    """
    now = draft_digest(connection, period)
    if len(digest) >= 8 and now.startswith(digest.lower()):
        return
    folder = export_folder(settings, period)
    manifest = read_manifest(folder) or {}
    reviewed = str(manifest.get("draft_digest", ""))
    if len(digest) < 8 or not reviewed.startswith(digest.lower()):
        raise LedgerError(
            f"The lines of {month(period)} now have the digest {now[:16]}, not {digest}, and that draft is no longer "
            f"in {folder}: run `make run PERIOD={month(period)}`, review it and close with its digest."
        )
    changes = _changes(connection, folder / "invoice_lines.draft.parquet", period)
    raise LedgerError(
        f"The lines of {month(period)} have changed since the draft {digest} was reviewed ({changes}): "
        f"run `make run PERIOD={month(period)}`, review the new draft {now[:16]} and close with its digest."
    )


def _changes(connection: duckdb.DuckDBPyConnection, reviewed: Path, period: date) -> str:
    """The first differing lines with their amounts before and now, in words."""
    if not reviewed.is_file():
        return "the reviewed file is gone"
    rows = connection.execute(
        f"""
        select
            coalesce(now.invoice_line_id, before.invoice_line_id), before.amount, now.amount,
            coalesce(now.currency_code, before.currency_code), before.quantity, now.quantity
        from (from billing.fct_invoice_lines where billing_period = $period) as now
        full outer join read_parquet({literal(str(reviewed))}) as before using (invoice_line_id)
        where row(now.amount, now.quantity, now.status)
            is distinct from row(before.amount, before.quantity, before.status)
        order by 1
        """,
        {"period": period},
    ).fetchall()
    if not rows:
        return "in their terms, tiers or site shares"

    def side(amount: object, currency: str, quantity: object) -> str:
        return "no line" if amount is None else f"{currency} {amount} for {quantity}"

    shown = [
        f"{line}: {side(old, currency, old_quantity)} then, {side(new, currency, new_quantity)} now"
        for line, old, new, currency, old_quantity, new_quantity in rows[:LINES_SHOWN]
    ]
    more = [f"and {len(rows) - LINES_SHOWN} more lines"] if len(rows) > LINES_SHOWN else []
    return "; ".join([*shown, *more])
