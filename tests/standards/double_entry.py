"""A bookkeeper's own journal of a month, from its lines and documents: plain Python, no SQL.

At the month's end what was earned is a receivable not yet billed; on the document's date that is taken back and what
was billed is a receivable. Held documents are not posted, and nothing is posted for what costs nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

Row = Mapping[str, str]
F = Fraction
COLUMNS = (
    "entity", "journal_id", "posting_date", "accounting_period", "earned_period", "gl_account", "contract_id", "meter",
    "document_number", "currency_code", "debit", "credit",
)  # fmt: skip


def booked(lines: Sequence[Row], documents: Sequence[Row], accounts: Sequence[Row], entity: str) -> list[tuple]:
    """The journal's rows as tuples in the order of COLUMNS, amounts as fractions, sorted."""
    account_of = {(row["posting"], row["meter"] or ""): row["gl_account"] for row in accounts}
    numbers = {row["invoice_id"]: row["document_number"] or "" for row in documents}
    issued = {row["invoice_id"]: row["issue_date"] or "" for row in documents}
    totals: dict[tuple, Fraction] = defaultdict(F)
    for line in lines:
        if line["status"] == "held":
            continue
        month = date.fromisoformat(line["billing_period"])
        month_end = (month + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        document = line["invoice_id"]
        kind = ("credit", "") if line["line_kind"] == "credit" else ("revenue", line["meter"])
        steps = [("accrual", month_end.isoformat(), "", "unbilled_receivable", 1)]
        if issued[document]:
            steps.append(("reversal", issued[document], numbers[document], "unbilled_receivable", -1))
            steps.append(("invoice", issued[document], numbers[document], "accounts_receivable", 1))
        for step, posted_on, number, receivable, sign in steps:
            common = (f"{step}:{document}", posted_on, line["usage_period"], line["contract_id"], number,
                      line["currency_code"])  # fmt: skip
            totals[*common, account_of[receivable, ""], ""] += sign * F(line["amount"])
            totals[*common, account_of[kind], kind[1]] -= sign * F(line["amount"])
    return sorted(
        (entity, journal, on, f"{on[:7]}-01", earned, account, contract, meter, number, currency,
         max(amount, F(0)), max(-amount, F(0)))
        for (journal, on, earned, contract, number, currency, account, meter), amount in totals.items()
        if amount
    )  # fmt: skip


def as_booked(rows: Sequence[Row]) -> list[tuple]:
    """journal.csv's rows in the same shape."""
    return sorted((*(row[name] for name in COLUMNS[:-2]), F(row["debit"]), F(row["credit"])) for row in rows)


def imbalances(rows: Sequence[Row]) -> list[str]:
    """Journals whose debits are not their credits in a currency; sides that are negative or both filled."""
    balance: dict[tuple[str, str], Fraction] = defaultdict(F)
    found = []
    for row in rows:
        debit, credit = F(row["debit"]), F(row["credit"])
        balance[row["journal_id"], row["currency_code"]] += debit - credit
        if min(debit, credit) != 0 or max(debit, credit) <= 0:
            found.append(f"{row['journal_id']} {row['gl_account']}: {debit} and {credit}")
    return found + [f"{journal} in {currency}: {left}" for (journal, currency), left in balance.items() if left]
