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
from hypothesis import given, settings
from models.runner import Scratch
from oracle import Charge, Contract, Plan, Tier
from oracle.arithmetic import rounded
from oracle.compare import differences
from rating_cases import DAILY, MINOR_UNITS, SINCE, Batch, batches, expected, load

F = Fraction
MARTS = (
    "fct_invoice_lines",
    "fct_invoice_line_sites",
    "fct_invoice_line_tiers",
    "fct_invoices",
    "fct_unrated_usage",
)
EXAMPLES = settings().max_examples
# What stays empty because nothing was delivered: built once.
IDLE = (
    "fct_daily_active_relationships",
    "int_cobrowse_sessions",
    "int_conflicts",
    "int_conversation_days",
    "int_files",
    "int_incomplete_inputs",
    "int_invocation_copies",
    "int_late_usage",
    "int_message_groups_classified",
    "int_record_outcomes",
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    made.fill("raw.run_settings", [{"as_of": "2026-01-01 00:00:00+00", "period": "2026-01-01", "tzdata_version": "-"}])
    made.run(*IDLE)
    yield made
    made.close()


def check(batch: Batch, scratch: Scratch) -> None:
    """The SQL's marts are the oracle's, and their parts add up."""
    load(batch, scratch)
    scratch.run(*MARTS, "fct_reconciliation", without=IDLE)
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
    bounded = {
        row.charge_id for row in batch.charges if row.minimum_amount is not None or row.maximum_amount is not None
    }
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


def edges(batch: Batch) -> None:
    """Every model and rounding x quantity around the allowance x date of a change x kind of contract."""
    period, last = batch.period, batch.period.replace(day=31)
    included, block = F(2000), F(100)
    models = [
        ("standard", None),
        *(("package", r) for r in ("up", "down", "none")),
        ("graduated", None),
        ("volume", None),
    ]
    quantities = (0, 1999, 2000, 2001, 2100, 2101, 10**9)
    # Where a second term begins, and whether it says the same.
    changes = [None, *itertools.product((period, period.replace(day=2), last), (True, False))]
    contracts = [  # starts, ends, stub allowance
        (SINCE, None, "full"),
        (period.replace(day=22), None, "days"),
        (SINCE, last, "days"),
        (last, None, "full"),
    ]
    combinations = itertools.product([*models, ("flat", None)], quantities, changes, contracts)
    for number, ((model, rounding), quantity, change, (starts, ends, stub)) in enumerate(combinations):
        name, code = f"{number:04}", ("USD", "JPY", "KWD")[number % 3]
        account, plan_id = f"A{name}", f"p{name}"
        batch.accounts[account] = code
        batch.plans.append(Plan(plan_id, code, None, "dar", stub))
        batch.contracts.append(Contract(f"c{name}", account, plan_id, starts, ends, "charge"))
        for site in range(3):
            batch.sites[f"s{name}.{site}"] = [(SINCE, account)]
        meter = DAILY[number % len(DAILY)]
        charge = Charge(
            plan_id, f"{plan_id}.0", meter, model, included if model != "flat" else F(0),
            block if model in ("standard", "package") else F(1), F("0.2"), F("39.005"), rounding,
            F(45) if number % 7 == 3 else None, F(90_000) if number % 5 == 2 else None, "stated", SINCE,
        )  # fmt: skip
        if change is None:
            batch.charges.append(charge)
        else:
            later = replace(charge, effective_from=change[0])
            if not change[1]:
                later = replace(
                    later, price_per_block=F("45.5"), included_quantity=charge.included_quantity * F(19, 20)
                )
                later = replace(later, block_size=F(250) if charge.block_size == block else F(1))
            batch.charges += [replace(charge, effective_to=change[0]), later]
        if model in ("graduated", "volume"):
            bounds = (F(0), F(1), F(100), F(101), None)
            for index, (start, end) in enumerate(itertools.pairwise(bounds)):
                price = F("0.42") / 2**index
                batch.tiers.append(Tier(charge.charge_id, start or F(0), end, price, F(10 * index), SINCE))
        # In one of three pooled sites only, or in all; before the change and after it.
        first_day = max(starts, period)
        for day, share in ((first_day, quantity // 3), (last - timedelta(days=1), 0), (last, quantity - quantity // 3)):
            batch.use(f"s{name}.{number % 2 * (number % 3)}", meter, day if ends is None else period, share)


def test_the_edges_of_every_model_in_one_run(scratch: Scratch) -> None:
    batch = Batch(date(2026, 3, 1), date(2026, 3, 1))
    edges(batch)
    assert len(batch.contracts) == 7 * 7 * 7 * 4
    check(batch, scratch)


@settings(max_examples=EXAMPLES * 2)
@given(batch=batches())
def test_sql_rates_as_plain_python_does(scratch: Scratch, batch: Batch) -> None:
    check(batch, scratch)
