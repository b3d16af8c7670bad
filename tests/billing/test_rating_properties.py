"""Rating in SQL against the oracle: random contracts, plans and usage, rated all at once (SPEC P1 to P9).

And what must hold whatever the oracle says: lines add up to documents, allocations and tiers to their line.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from cases import DAILY, MINOR_UNITS, SINCE, Batch, batches, expected, load
from hypothesis import example, given, settings
from models.runner import Scratch
from oracle import Charge, Contract, Plan, Tier
from oracle.arithmetic import rounded
from oracle.compare import differences

F = Fraction
MARTS = (
    "fct_invoice_lines",
    "fct_invoice_line_sites",
    "fct_invoice_line_tiers",
    "fct_invoices",
    "fct_unrated_usage",
)
EXAMPLES = settings().max_examples


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()


def check(batch: Batch, scratch: Scratch) -> None:
    """The SQL's marts are the oracle's, and their parts add up."""
    load(batch, scratch)
    scratch.run(*MARTS, "fct_reconciliation")
    found = differences(scratch.connection, expected(batch), only={f"billing.{mart}" for mart in MARTS})
    assert not found, "\n".join(found)
    check_sums(batch, scratch)


def check_sums(batch: Batch, scratch: Scratch) -> None:
    """Lines add up to documents, sites and tiers to their lines; one currency a document; C6 to zero."""
    assert not scratch.rows(
        """
        select invoices.invoice_id from billing.fct_invoices as invoices
        left join billing.fct_invoice_lines as lines using (invoice_id)
        group by invoices.invoice_id, invoices.amount, invoices.lines, invoices.currency_code
        having sum(lines.amount) <> invoices.amount or count(lines.invoice_line_id) <> invoices.lines
            or min(lines.currency_code) <> invoices.currency_code or count(distinct lines.currency_code) <> 1
            or count(distinct lines.contract_id) <> 1
        """
    )
    # A line whose contract has no site on its dates has nobody to share with; every other is shared to the last unit.
    assert not scratch.rows(
        """
        select lines.invoice_line_id from billing.fct_invoice_lines as lines
        inner join billing.fct_invoice_line_sites as shares using (invoice_line_id)
        group by lines.invoice_line_id, lines.amount, lines.quantity
        having sum(shares.amount) <> lines.amount or sum(coalesce(shares.quantity, 0)) <> coalesce(lines.quantity, 0)
        """
    )
    assert not scratch.rows(
        "select check_name, difference from quality.fct_reconciliation "
        "where (difference <> 0 or difference is null) and check_name not like 'records_received:%'"
    )
    minor = {plan.rate_plan_id: MINOR_UNITS[plan.currency_code] for plan in batch.plans}
    bounded = {row.charge_id for row in batch.charges if row.minimum_amount is not None or row.maximum_amount is not None}
    suspended = {contract.contract_id for contract in batch.contracts if contract.functions_over_cap == "suspended"}
    running: dict[tuple[str, str, date], tuple[Fraction, Fraction]] = {}
    for row in scratch.rows(
        """
        select lines.contract_id, lines.charge_id, lines.usage_period, lines.amount, lines.meter, lines.charge_model,
            coalesce((select sum(tiers.amount) from billing.fct_invoice_line_tiers as tiers
                where tiers.invoice_line_id = lines.invoice_line_id), 0) as tiers
        from billing.fct_invoice_lines as lines where lines.line_kind <> 'credit'
        order by lines.contract_id, lines.charge_id, lines.usage_from
        """
    ):
        models = {charge.charge_model for charge in batch.charges if charge.charge_id == row["charge_id"]}
        is_suspended = row["meter"] == "function_invocation" and row["contract_id"] in suspended
        if row["charge_id"] in bounded or not models <= {"graduated", "volume"} or is_suspended:
            continue
        key = (row["contract_id"], row["charge_id"], row["usage_period"])
        amount, tiers = running.get(key, (F(0), F(0)))
        running[key] = (amount + F(row["amount"]), tiers + F(row["tiers"]))
        units = minor[row["charge_id"].rpartition(".")[0]]
        assert running[key][0] == rounded(running[key][1], units), row


@settings(max_examples=EXAMPLES * 3)
@given(batch=batches())
def test_sql_rates_as_plain_python_does(scratch: Scratch, batch: Batch) -> None:
    check(batch, scratch)
