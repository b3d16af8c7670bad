"""Seals and adjustments (SPEC section 4) over states in memory: what each close bills, and what it bills later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from .arithmetic import months, next_month
from .rating import ZERO, Line, Usage, credit_billing_period, credit_line, rate_contract
from .reading import Contract, Credit, Policy

Terms = tuple[Contract, Policy]
SitesOn = Callable[[Contract, Sequence[date]], Iterable[str]]


@dataclass
class State:
    """What a run sees: landing (as rated usage) and policy; `held` are the contracts that its gate holds (C5)."""

    policy: Policy
    contracts: dict[str, Contract]
    usage: Usage  # (contract, site, meter, activity date) -> quantity, no_term and unmapped left out
    sites_on: SitesOn = lambda contract, days: ()
    provisioned_users: dict[tuple[str, date], dict[str, int]] = field(default_factory=dict)  # users per site, R11
    credits: list[Credit] = field(default_factory=list)
    held: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Seal:
    """C1: a closed period: its lines, the terms they were rated with, and who was held."""

    period: date
    lines: tuple[Line, ...]
    terms: dict[tuple[str, date], Terms]  # (contract, usage period)
    credits: frozenset[str]
    held: frozenset[str]


@dataclass
class Ledger:
    """The chain of seals; periods close in order from the first billed one (C2)."""

    first_billed_period: date
    seals: list[Seal] = field(default_factory=list)

    @property
    def first_open(self) -> date:
        """The first period without a seal."""
        return next_month(self.seals[-1].period) if self.seals else self.first_billed_period


def sealed_terms(ledger: Ledger, contract_id: str, usage_period: date) -> Terms | None:
    """C3: the terms under which the last seal billed the contract's usage of the period; None: never billed."""
    for seal in reversed(ledger.seals):
        if (contract_id, usage_period) in seal.terms:
            return seal.terms[contract_id, usage_period]
    return None


def terms_for(state: State, ledger: Ledger, contract_id: str, usage_period: date) -> Terms | None:
    """C3: sealed terms, unless a row of repricing.csv names the period or nothing is sealed yet."""
    sealed = sealed_terms(ledger, contract_id, usage_period)
    current = state.contracts.get(contract_id)
    if sealed is not None and (usage_period not in state.policy.repriced or current is None):
        return sealed
    return (current, state.policy) if current is not None else None


def cost_now(state: State, terms: Terms, usage_period: date) -> list[Line]:
    """What a contract's usage of a period costs from all its usage at once."""
    contract, policy = terms
    return rate_contract(
        contract,
        policy,
        state.usage,
        usage_period,
        sites_on=lambda days: state.sites_on(contract, days),
        provisioned_users=state.provisioned_users.get((contract.contract_id, usage_period)),
    )


def billed(lines: Iterable[Line]) -> dict[tuple[str, str, date], tuple[Fraction, Fraction]]:
    """(quantity, amount) billed per (contract, charge, usage period), adjustments included, credits not."""
    sums: dict[tuple[str, str, date], tuple[Fraction, Fraction]] = {}
    for line in lines:
        if line.charge_id is not None:
            key = (line.contract_id, line.charge_id, line.usage_period)
            quantity, amount = sums.get(key, (ZERO, ZERO))
            sums[key] = (quantity + (line.quantity or ZERO), amount + line.amount)
    return sums


def site_sums(lines: Iterable[Line]) -> dict[str, tuple[Fraction, Fraction]]:
    """(quantity, amount) per site over several lines."""
    sums: dict[str, tuple[Fraction, Fraction]] = {}
    for line in lines:
        for site_id, (quantity, amount) in line.sites.items():
            before = sums.get(site_id, (ZERO, ZERO))
            sums[site_id] = (before[0] + quantity, before[1] + amount)
    return sums


def adjustments(state: State, ledger: Ledger) -> tuple[list[Line], dict[tuple[str, date], Terms]]:
    """C3: per (contract, charge, sealed usage period) the cost now minus what all seals billed, if either differs."""
    sealed = [line for seal in ledger.seals for line in seal.lines]
    before = billed(sealed)
    lines: list[Line] = []
    used: dict[tuple[str, date], Terms] = {}
    contract_ids = sorted({*state.contracts, *(key[0] for key in before)})
    for usage_period in (seal.period for seal in ledger.seals):
        for contract_id in contract_ids:
            terms = terms_for(state, ledger, contract_id, usage_period)
            if terms is None:
                continue
            now: dict[str, list[Line]] = defaultdict(list)
            for line in cost_now(state, terms, usage_period):
                now[line.charge_id or ""].append(line)
            charge_ids = {*now, *(key[1] for key in before if key[0] == contract_id and key[2] == usage_period)}
            if not charge_ids:
                continue
            used[contract_id, usage_period] = terms
            for charge_id in sorted(charge_ids):
                lines += _adjustment(state, ledger, terms, usage_period, charge_id, now[charge_id], sealed)
    return lines, used


def _adjustment(
    state: State,
    ledger: Ledger,
    terms: Terms,
    usage_period: date,
    charge_id: str,
    now: Sequence[Line],
    sealed: Sequence[Line],
) -> list[Line]:
    contract = terms[0]
    own = [
        line
        for line in sealed
        if (line.contract_id, line.charge_id, line.usage_period) == (contract.contract_id, charge_id, usage_period)
    ]
    key = (contract.contract_id, charge_id, usage_period)
    quantity_now, amount_now = billed(now).get(key, (ZERO, ZERO))
    quantity_before, amount_before = billed(own).get(key, (ZERO, ZERO))
    if (quantity_now, amount_now) == (quantity_before, amount_before):
        return []
    sample = (list(now) or own)[0]
    was_held = any(contract.contract_id in seal.held for seal in ledger.seals if seal.period == usage_period)
    line = Line(
        contract.account_id,
        contract.contract_id,
        ledger.first_open,
        usage_period,
        None,
        None,
        "adjustment",
        charge_id,
        sample.meter,
        quantity_now - quantity_before,
        amount_now - amount_before,
        sample.currency_code,
        billed_before_quantity=quantity_before,
        billed_before_amount=amount_before,
        reasons=("held",) if was_held and not own else (),
    )
    # P1: the share of an adjustment is the new allocation minus the sealed ones.
    new, old = site_sums(now), site_sums(own)
    for site_id in sorted({*new, *old}):
        quantity = new.get(site_id, (ZERO, ZERO))[0] - old.get(site_id, (ZERO, ZERO))[0]
        amount = new.get(site_id, (ZERO, ZERO))[1] - old.get(site_id, (ZERO, ZERO))[1]
        if quantity or amount:
            line.sites[site_id] = (quantity, amount)
    return [line]


def credit_lines(state: State, ledger: Ledger) -> list[tuple[str, Line]]:
    """P9: approved credits that no seal holds, each in its first open period."""
    done = {credit_id for seal in ledger.seals for credit_id in seal.credits}
    result = []
    for credit in state.credits:
        contract = state.contracts.get(credit.contract_id)
        if credit.credit_id in done or contract is None:
            continue
        period = credit_billing_period(contract, lambda p: p >= ledger.first_open, ledger.first_open)
        minor_units = state.policy.minor_units[credit.currency_code]
        line = credit_line(
            credit, contract, period, minor_units, lambda days, c=contract: list(state.sites_on(c, days))
        )
        result.append((credit.credit_id, line))
    return result


def draft(state: State, ledger: Ledger, period: date) -> list[Line]:
    """C1, C3: the lines of the open periods up to `period`: own charges; adjustments and credits where they fall."""
    lines: list[Line] = []
    for open_period in months(ledger.first_open, period):
        for contract in sorted(state.contracts.values(), key=lambda c: c.contract_id):
            lines += cost_now(state, (contract, state.policy), open_period)
    if ledger.first_open <= period:
        lines += adjustments(state, ledger)[0]
    lines += [line for _, line in credit_lines(state, ledger) if line.billing_period <= period]
    return lines


def close(state: State, ledger: Ledger, period: date) -> Ledger:
    """C1, C2: the ledger with the period sealed; closing a closed period changes nothing.

    Raises ValueError if an earlier period is open. A held contract's lines are left out (C5).
    """
    if any(seal.period == period for seal in ledger.seals):
        return ledger
    if period != ledger.first_open:
        raise ValueError(f"{ledger.first_open:%Y-%m} is not closed")
    lines = [line for line in draft(state, ledger, period) if line.contract_id not in state.held]
    terms = {key: used for key, used in adjustments(state, ledger)[1].items() if key[0] not in state.held}
    for line in lines:
        if line.usage_period == period and line.charge_id is not None:
            terms[line.contract_id, period] = (state.contracts[line.contract_id], state.policy)
    credits = frozenset(
        credit_id
        for credit_id, line in credit_lines(state, ledger)
        if line.billing_period == period and line.contract_id not in state.held
    )
    held = state.held & {line.contract_id for line in draft(state, ledger, period)}
    seal = Seal(period, tuple(lines), terms, credits, frozenset(held))
    return Ledger(ledger.first_billed_period, [*ledger.seals, seal])


def total_billed(state: State, ledger: Ledger, period: date) -> dict[tuple[str, str, date], tuple[Fraction, Fraction]]:
    """Issue 3's invariant, left side: all seals and the current draft per (contract, charge, usage period)."""
    sealed = [line for seal in ledger.seals for line in seal.lines]
    return billed([*sealed, *draft(state, ledger, period)])
