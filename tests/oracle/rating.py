"""From usage to lines (SPEC section 3): one function per rule, one contract and charge at a time.

Every number is a Fraction until P7's one rounding.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from .arithmetic import months, next_month, rounded
from .reading import Charge, Contract, Credit, Policy, Tier

ZERO = Fraction(0)
TIERED = ("graduated", "volume")
PER_PERIOD = ("platform_user", "subscription")
Row = dict[str, Any]
SiteDays = Mapping[tuple[str, date], Fraction]  # quantity per (site, activity date) of one contract and meter


class PolicyError(ValueError):
    """Policy rows that no rule can rate: overlapping terms, tiers with a gap, an unknown model."""


@dataclass(frozen=True)
class Part:
    """P6: a run of dates [start, end) with the same charge row and tier rows in force."""

    start: date
    end: date
    charge: Charge
    tiers: tuple[Tier, ...]


@dataclass
class TierUse:
    """One tier of a line; amount unrounded, flat price included."""

    tier: Tier
    quantity: Fraction = ZERO
    flat_price: Fraction = ZERO
    amount: Fraction = ZERO


@dataclass
class Measure:
    """P3 before minimum and maximum: what a cumulative quantity comes to under one term."""

    quantity: Fraction = ZERO
    billable: Fraction = ZERO
    blocks: Fraction = ZERO
    cost: Fraction = ZERO
    tiers: dict[Fraction, TierUse] = field(default_factory=dict)  # by tier_from


@dataclass
class Line:
    """A charge line with its allocation and tiers; the columns of SPEC section 7 by `row`."""

    account_id: str
    contract_id: str
    billing_period: date
    usage_period: date
    usage_from: date | None
    usage_to: date | None
    line_kind: str
    charge_id: str | None
    meter: str | None
    quantity: Fraction | None
    amount: Fraction
    currency_code: str
    included_quantity: Fraction | None = None
    billable_quantity: Fraction | None = None
    block_size: Fraction | None = None
    rounding: str | None = None
    blocks: Fraction | None = None
    credits: Fraction | None = None
    unit_price: Fraction | None = None
    price_basis: str | None = None
    billed_before_quantity: Fraction | None = None
    billed_before_amount: Fraction | None = None
    reasons: tuple[str, ...] = ()
    status: str = "draft"
    sites: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)  # site -> quantity, amount
    tiers: list[TierUse] = field(default_factory=list)

    def key(self) -> tuple[Any, ...]:
        """What a person calls the same line in two computations."""
        return (
            self.contract_id,
            self.billing_period,
            self.usage_period,
            self.line_kind,
            self.charge_id,
            self.usage_from,
        )

    def row(self) -> Row:
        """The columns of billing.fct_invoice_lines, without ids, description and status of documents."""
        names = [name for name in self.__dataclass_fields__ if name not in ("sites", "tiers")]
        return {name: getattr(self, name) for name in names}


# --- P3, P4: what a quantity costs -------------------------------------------------------------------------------


def rounded_blocks(blocks: Fraction, rounding: str | None) -> Fraction:
    """P4: `up` (a started block is charged), `down`, `none` (pro rata)."""
    if rounding == "up":
        return Fraction(-((-blocks.numerator) // blocks.denominator))
    if rounding == "down":
        return Fraction(blocks.numerator // blocks.denominator)
    if rounding in (None, "none"):
        return blocks
    raise PolicyError(f"unknown rounding {rounding}")


def tiers_entered(tiers: Sequence[Tier], billable: Fraction) -> list[Tier]:
    """P3: a tier is entered above its tier_from; the first also at zero. Raises PolicyError on a gap."""
    if not tiers or tiers[0].tier_from != 0:
        raise PolicyError("tiers do not begin at zero")
    for lower, upper in itertools.pairwise(tiers):
        if lower.tier_to != upper.tier_from:
            raise PolicyError("tiers do not meet")
    if tiers[-1].tier_to is not None and billable > tiers[-1].tier_to:
        raise PolicyError("quantity above the last tier")
    return [tier for tier in tiers if billable > tier.tier_from or tier is tiers[0]]


def measure(charge: Charge, tiers: Sequence[Tier], quantity: Fraction) -> Measure:
    """P3: the models, with b = max(quantity - included, 0), before minimum, maximum and rounding."""
    billable = max(quantity - charge.included_quantity, ZERO)
    result = Measure(quantity, billable)
    if charge.charge_model == "standard":
        result.blocks = billable / charge.block_size
        result.cost = result.blocks * charge.price_per_block
    elif charge.charge_model == "package":
        result.blocks = rounded_blocks(billable / charge.block_size, charge.rounding)
        result.cost = result.blocks * charge.price_per_block
    elif charge.charge_model == "flat":
        result.cost = charge.price_per_block
    elif charge.charge_model == "graduated":
        for tier in tiers_entered(tiers, billable):
            top = billable if tier.tier_to is None else min(billable, tier.tier_to)
            in_tier = top - tier.tier_from
            amount = in_tier * tier.unit_price + tier.flat_price
            result.tiers[tier.tier_from] = TierUse(tier, in_tier, tier.flat_price, amount)
            result.cost += amount
    elif charge.charge_model == "volume":
        tier = tiers_entered(tiers, billable)[-1]
        result.cost = billable * tier.unit_price + tier.flat_price
        result.tiers[tier.tier_from] = TierUse(tier, billable, tier.flat_price, result.cost)
    else:
        raise PolicyError(f"unknown charge model {charge.charge_model}")
    return result


def difference(end: Measure, start: Measure) -> Measure:
    """P6: a later part is the difference of two cumulatives under its own term."""
    tiers = {}
    for tier_from in sorted({*end.tiers, *start.tiers}):
        to, since = end.tiers.get(tier_from), start.tiers.get(tier_from)
        tier = (to or since).tier  # type: ignore[union-attr]
        to, since = to or TierUse(tier), since or TierUse(tier)
        tiers[tier_from] = TierUse(
            tier, to.quantity - since.quantity, to.flat_price - since.flat_price, to.amount - since.amount
        )
    return Measure(
        end.quantity - start.quantity,
        end.billable - start.billable,
        end.blocks - start.blocks,
        end.cost - start.cost,
        tiers,
    )


def clamped(amount: Fraction, charge: Charge) -> Fraction:
    """P3: then the minimum, then the maximum."""
    if charge.minimum_amount is not None:
        amount = max(amount, charge.minimum_amount)
    return amount if charge.maximum_amount is None else min(amount, charge.maximum_amount)


# --- P6: parts and stubs ---------------------------------------------------------------------------------------------


def contract_days(contract: Contract, period: date) -> list[date]:
    """The calendar dates of the period on which the contract is in force."""
    days = (period + timedelta(days=n) for n in range((next_month(period) - period).days))
    return [day for day in days if contract.covers(day)]


def parts(days: Sequence[date], charges: Iterable[Charge], tiers: Iterable[Tier]) -> list[Part]:
    """P6: runs of dates with the same rows in force; dates without a term of the charge are in no part."""
    charges, tiers = list(charges), list(tiers)
    result: list[Part] = []
    for day in days:
        in_force = [charge for charge in charges if charge.covers(day)]
        if len(in_force) > 1:
            raise PolicyError(f"two terms of {in_force[0].charge_id} on {day}")
        if not in_force:
            continue
        tier_rows = tuple(sorted((t for t in tiers if t.covers(day)), key=lambda tier: tier.tier_from))
        last = result[-1] if result else None
        # The very same rows, not rows that say the same.
        if (
            last
            and last.end == day
            and last.charge is in_force[0]
            and len(last.tiers) == len(tier_rows)
            and all(a is b for a, b in zip(last.tiers, tier_rows, strict=True))
        ):
            result[-1] = Part(last.start, day + timedelta(days=1), last.charge, last.tiers)
        else:
            result.append(Part(day, day + timedelta(days=1), in_force[0], tier_rows))
    return result


def stub(part: Part, share: Fraction) -> Part:
    """P6, stub_allowance `days`: included, tier bounds, flat prices, minimum and maximum by the share of dates."""

    def scaled(value: Fraction) -> Fraction:
        return rounded(value * share, 6)

    def scaled_or_none(value: Fraction | None) -> Fraction | None:
        return None if value is None else scaled(value)

    c = part.charge
    charge = Charge(
        c.rate_plan_id,
        c.charge_id,
        c.meter,
        c.charge_model,
        scaled(c.included_quantity),
        c.block_size,
        c.credits_per_block,
        scaled(c.price_per_block) if c.charge_model == "flat" else c.price_per_block,
        c.rounding,
        scaled_or_none(c.minimum_amount),
        scaled_or_none(c.maximum_amount),
        c.price_basis,
        c.effective_from,
        c.effective_to,
    )
    tiers = tuple(
        Tier(
            tier.charge_id,
            scaled(tier.tier_from),
            scaled_or_none(tier.tier_to),
            tier.unit_price,
            scaled(tier.flat_price),
            tier.effective_from,
            tier.effective_to,
        )
        for tier in part.tiers
    )
    return Part(part.start, part.end, charge, tiers)


# --- P1: allocation ----------------------------------------------------------------------------------------------


def allocated(total: Fraction, weights: Mapping[str, Fraction], digits: int) -> dict[str, Fraction]:
    """P1: by weight with largest remainder, ties by site id, in units of 10^-digits; a negative by its absolute value.

    Weights that are all zero share equally. No site: nothing to share with.
    """
    if not weights:
        return {}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, Fraction(1))
    units = abs(total) * 10**digits
    if units.denominator != 1:
        raise ValueError(f"{total} has more than {digits} decimals")
    whole = sum(weights.values())
    exact = {site: units * weight / whole for site, weight in weights.items()}
    shares = {site: Fraction(share.numerator // share.denominator) for site, share in exact.items()}
    left = int(units - sum(shares.values()))
    for site in sorted(exact, key=lambda site: (shares[site] - exact[site], site))[:left]:
        shares[site] += 1
    sign = -1 if total < 0 else 1
    return {site: sign * share / 10**digits for site, share in shares.items()}


def allocation(
    line: Line, usage: Mapping[str, Fraction], is_counted: bool, sites: Iterable[str], minor_units: int
) -> dict[str, tuple[Fraction, Fraction]]:
    """P1: (quantity, amount) per site; `usage` is the meter's usage per site on the line's dates.

    Without usage equally over the sites that the contract has on a date of the line. A quantity that is not
    counted per site (flat, subscription, platform users) is shared like the amount, to 6 decimals.
    """
    used = {site: quantity for site, quantity in usage.items() if quantity}
    weights = used or dict.fromkeys(sites, ZERO)
    amounts = allocated(line.amount, weights, minor_units)
    quantities = used if is_counted else allocated(line.quantity or ZERO, weights, 6)
    return {
        site: (quantities.get(site, ZERO), amounts.get(site, ZERO))
        for site in sorted(weights)
        if quantities.get(site, ZERO) or amounts.get(site, ZERO)
    }


# --- one charge, one contract ------------------------------------------------------------------------------------


def rate_charge(
    contract: Contract,
    charges: Sequence[Charge],
    tiers: Sequence[Tier],
    usage: SiteDays,
    period: date,
    *,
    currency_code: str,
    minor_units: int,
    stub_allowance: str = "full",
    sites_on: Callable[[Sequence[date]], Iterable[str]] = lambda days: (),
    provisioned_users: Mapping[str, int] | None = None,
) -> list[Line]:
    """P1 to P9: the lines, one per part, of one charge (all its rows) of one contract for one period.

    `usage` is that of the charge's meter for this contract per (site, activity date); dates outside the period,
    the contract or the charge's own terms are not accumulated. `sites_on` gives the contract's sites on dates,
    `provisioned_users` the users of each site on the (first) date of the peak (R11).
    """
    days = contract_days(contract, period)
    runs = parts(days, charges, tiers)
    stated_prices = [run.charge.price_per_block for run in runs]
    if stub_allowance == "days" and len(days) < (next_month(period) - period).days:
        share = Fraction(len(days), (next_month(period) - period).days)
        runs = [stub(run, share) for run in runs]

    lines: list[Line] = []
    cumulative = ZERO
    running = ZERO  # unrounded
    billed = ZERO  # rounded
    for index, run in enumerate(runs):
        charge = run.charge
        unit_price = stated_prices[index]  # as the plan states it, a stub's share of it is the amount
        is_counted = charge.charge_model != "flat" and charge.meter not in PER_PERIOD
        is_suspended = charge.meter == "function_invocation" and contract.functions_over_cap == "suspended"
        by_site: dict[str, Fraction] = defaultdict(Fraction)
        for (site_id, day), quantity in usage.items():
            if run.start <= day < run.end:
                by_site[site_id] += quantity

        # Per-period quantities fall in the first part.
        start = cumulative
        if is_counted:
            cumulative += sum(by_site.values(), ZERO)
        elif index == 0:
            is_users = charge.meter == "platform_user" and charge.charge_model != "flat"
            cumulative += sum((provisioned_users or {}).values()) if is_users else 1

        # The first part costs g_1(end), what zero usage costs included; a later one g_k(end) - g_k(start).
        end_measure = measure(charge, run.tiers, cumulative)
        part = end_measure if index == 0 else difference(end_measure, measure(charge, run.tiers, start))
        if is_suspended:
            part.blocks, part.cost, part.tiers = ZERO, ZERO, {}
        running += part.cost
        is_last = index == len(runs) - 1
        total = clamped(running, charge) if is_last and not is_suspended else running
        amount = rounded(total, minor_units) - billed
        billed += amount

        has_blocks = charge.charge_model in ("standard", "package")
        blocks = part.blocks if has_blocks else None
        per_block = ZERO if is_suspended else charge.credits_per_block
        line = Line(
            contract.account_id,
            contract.contract_id,
            period,
            period,
            run.start,
            run.end,
            "subscription" if charge.meter == "subscription" else "charge",
            charge.charge_id,
            charge.meter,
            part.quantity,
            amount,
            currency_code,
            charge.included_quantity,
            part.billable,
            charge.block_size,
            charge.rounding,
            None if blocks is None else rounded(blocks, 6),
            None if blocks is None or per_block is None else rounded(blocks * per_block, 6),
            None if charge.charge_model in TIERED else unit_price,
            charge.price_basis,
        )
        line.tiers = [use for use in part.tiers.values() if index == 0 or use.quantity or use.amount]
        line_days = [day for day in days if run.start <= day < run.end]
        sites = set(sites_on(line_days))
        weights: Mapping[str, Fraction] = by_site
        if charge.meter == "platform_user":
            weights = {site: Fraction(users) for site, users in (provisioned_users or {}).items() if site in sites}
        line.sites = allocation(line, weights, is_counted, sites, minor_units)
        lines.append(line)
    return lines


Usage = Mapping[tuple[str, str, str, date], Fraction]  # contract, site, meter, activity date -> quantity


def rate_contract(
    contract: Contract,
    policy: Policy,
    usage: Usage,
    period: date,
    *,
    sites_on: Callable[[Sequence[date]], Iterable[str]] = lambda days: (),
    provisioned_users: Mapping[str, int] | None = None,
) -> list[Line]:
    """P3: a line for every charge of a contract in force on a date of the period, at quantity 0 too."""
    plan = policy.plans[contract.rate_plan_id]
    by_meter: dict[str, dict[tuple[str, date], Fraction]] = defaultdict(dict)
    for (contract_id, site_id, meter, day), quantity in usage.items():
        if contract_id == contract.contract_id and day.replace(day=1) == period:
            by_meter[meter][site_id, day] = quantity
    lines = []
    for charge_id in sorted({c.charge_id for c in policy.charges if c.rate_plan_id == contract.rate_plan_id}):
        charges = [charge for charge in policy.charges if charge.charge_id == charge_id]
        lines += rate_charge(
            contract,
            charges,
            [tier for tier in policy.tiers if tier.charge_id == charge_id],
            by_meter[charges[0].meter],
            period,
            currency_code=plan.currency_code,
            minor_units=policy.minor_units[plan.currency_code],
            stub_allowance=plan.stub_allowance,
            sites_on=sites_on,
            provisioned_users=provisioned_users,
        )
    return lines


# --- P9: credits --------------------------------------------------------------------------------------------------


def credit_billing_period(contract: Contract, is_open: Callable[[date], bool], first_open: date) -> date:
    """P9: the first open period with a date of the contract; none: the first open."""
    period = max(first_open, contract.starts_on.replace(day=1))
    while contract_days(contract, period):
        if is_open(period):
            return period
        period = next_month(period)
    return first_open


def credit_line(
    credit: Credit,
    contract: Contract,
    billing_period: date,
    minor_units: int,
    sites_on: Callable[[Sequence[date]], Iterable[str]],
) -> Line:
    """P9: minus the amount, without charge, meter and quantity, shared equally over the contract's sites."""
    line = Line(
        contract.account_id,
        contract.contract_id,
        billing_period,
        credit.usage_period,
        None,
        None,
        "credit",
        None,
        None,
        None,
        -rounded(credit.amount, minor_units),
        credit.currency_code,
    )
    # The contract's sites in the usage period; without any, all that it ever had.
    sites = set(sites_on(contract_days(contract, credit.usage_period)))
    if not sites:
        for period in months(contract.starts_on.replace(day=1), billing_period):
            sites.update(sites_on(contract_days(contract, period)))
    line.sites = allocation(line, {}, False, sites, minor_units)
    return line


# --- rows of the marts -------------------------------------------------------------------------------------------


def line_rows(lines: Sequence[Line]) -> tuple[list[Row], list[Row], list[Row]]:
    """(lines, line sites, line tiers) with the line's key instead of the warehouse's line id."""
    rows, site_rows, tier_rows = [], [], []
    for line in sorted(lines, key=lambda line: str(line.key())):
        rows.append(line.row())
        for site_id, (quantity, amount) in line.sites.items():
            site_rows.append({"line": line.key(), "site_id": site_id, "quantity": quantity, "amount": amount})
        for use in line.tiers:
            tier_rows.append(
                {
                    "line": line.key(),
                    "tier_from": use.tier.tier_from,
                    "tier_to": use.tier.tier_to,
                    "quantity": use.quantity,
                    "unit_price": use.tier.unit_price,
                    "flat_price": use.tier.flat_price,
                    "amount": use.amount,
                }
            )
    return rows, site_rows, tier_rows


def invoices(lines: Iterable[Line], contracts: Mapping[str, Contract]) -> list[Row]:
    """One document per contract and billing period: the sum of its lines, one currency, its type by the sign."""
    groups: dict[tuple[str, date], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.contract_id, line.billing_period].append(line)
    rows = []
    for (contract_id, period), own in sorted(groups.items()):
        currencies = {line.currency_code for line in own}
        if len(currencies) != 1:
            raise ValueError(f"{contract_id} {period}: several currencies on one document")
        amount = sum((line.amount for line in own), ZERO)
        rows.append(
            {
                "document_type": "invoice" if amount > 0 else "credit_note" if amount < 0 else "statement",
                "account_id": own[0].account_id,
                "contract_id": contract_id,
                "billing_period": period,
                "purchase_order": contracts[contract_id].purchase_order,
                "lines": len(own),
                "amount": amount,
                "currency_code": currencies.pop(),
            }
        )
    return rows
