"""Random contracts, plans and usage for rating, as plain rows: what the SQL gets and what the oracle gets.

A `Batch` is rated at once. Quantities lie on the edges that billing errors love: the allowance and a block around it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st
from models.runner import Scratch
from oracle import Charge, Contract, Credit, Ledger, Line, Plan, Policy, Result, State, Tier
from oracle.arithmetic import months, next_month
from oracle.closing import credit_lines
from oracle.rating import invoices, line_rows, rate_contract

F = Fraction
MINOR_UNITS = {"EUR": 2, "JPY": 0, "KWD": 3, "USD": 2}
DAILY = ("dar", "channel_credit", "listening", "cobrowse_session", "function_invocation")
METERS = (*DAILY, "platform_user", "subscription")
SINCE = date(1990, 1, 1)
Row = dict[str, Any]


@dataclass
class Batch:
    """Everything that rating reads, below the waist (int_metered_usage) and beside it."""

    period: date
    first_billed: date
    plans: list[Plan] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    tiers: list[Tier] = field(default_factory=list)
    contracts: list[Contract] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)  # account -> currency
    sites: dict[str, list[tuple[date, str]]] = field(default_factory=dict)  # site -> [(from, account)]
    usage: dict[tuple[str, str, date, bool], Fraction] = field(default_factory=dict)  # site, meter, date, mapped
    users: dict[tuple[str, date], int] = field(default_factory=dict)  # site, date -> provisioned
    credits: list[Credit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._of_account: dict[str, list[Contract]] | None = None

    @property
    def as_of(self) -> datetime:
        """The last moment of the period."""
        return datetime.combine(next_month(self.period), time(), UTC) - timedelta(days=3)

    def use(self, site: str, meter: str, day: date, quantity: int, is_mapped: bool = True) -> None:
        """Add usage of a site on a date."""
        if quantity:
            key = (site, meter, day, is_mapped)
            self.usage[key] = self.usage.get(key, F(0)) + quantity

    def contract_of(self, site: str, day: date) -> Contract | None:
        """The contract of the account that the site belongs to on a date."""
        if self._of_account is None:
            self._of_account = defaultdict(list)
            for contract in self.contracts:
                self._of_account[contract.account_id].append(contract)
        rows = self.sites[site]
        account = next((account for start, account in reversed(rows) if start <= day), rows[0][1])
        return next((contract for contract in self._of_account[account] if contract.covers(day)), None)

    def policy(self) -> Policy:
        """The terms as the oracle reads them."""
        return Policy(
            {plan.rate_plan_id: plan for plan in self.plans},
            self.charges,
            self.tiers,
            minor_units=dict(MINOR_UNITS),
            settings={"first_billed_period": f"{self.first_billed:%Y-%m}"},
        )


# --- to the oracle ---------------------------------------------------------------------------------------------------


def expected(batch: Batch) -> Result:
    """The oracle's lines, allocations, tiers, documents and unrated usage of the whole batch."""
    policy = batch.policy()
    charges, tiers = defaultdict(list), defaultdict(list)
    for charge in batch.charges:
        charges[charge.rate_plan_id].append(charge)
    plan_of = {charge.charge_id: charge.rate_plan_id for charge in batch.charges}
    for tier in batch.tiers:
        tiers[plan_of[tier.charge_id]].append(tier)
    of_plan = {
        plan.rate_plan_id: Policy(
            policy.plans,
            charges[plan.rate_plan_id],
            tiers[plan.rate_plan_id],
            minor_units=policy.minor_units,
        )
        for plan in batch.plans
    }
    used: dict[tuple[str, date], dict[tuple[str, str, str, date], Fraction]] = defaultdict(dict)
    unrated: dict[tuple[str, str, date, str], Fraction] = defaultdict(Fraction)
    for (site, meter, day, is_mapped), quantity in batch.usage.items():
        contract = batch.contract_of(site, day)
        if contract is not None and is_mapped:
            used[contract.contract_id, day.replace(day=1)][contract.contract_id, site, meter, day] = quantity
        if day < batch.first_billed:
            continue
        if not is_mapped:
            unrated[site, meter, day, "unmapped_channel"] += quantity
        elif contract is None:
            unrated[site, meter, day, "no_contract"] += quantity
        elif not any(c.meter == meter and c.covers(day) for c in charges[contract.rate_plan_id]):
            unrated[site, meter, day, "no_term"] += quantity
    candidates: dict[str, set[str]] = defaultdict(set)
    for site, rows in batch.sites.items():
        for _, account in rows:
            candidates[account].add(site)

    def sites_on(contract: Contract, days: Sequence[date]) -> list[str]:
        own = candidates[contract.account_id]
        return sorted(site for site in own if any(batch.contract_of(site, day) is contract for day in days))

    lines: list[Line] = []
    for period in months(batch.first_billed, batch.period):
        for contract in batch.contracts:
            lines += rate_contract(
                contract,
                of_plan[contract.rate_plan_id],
                used[contract.contract_id, period],
                period,
                sites_on=lambda days, c=contract: sites_on(c, days),
                provisioned_users=peak_users(batch, contract, period, candidates[contract.account_id]),
            )
    by_id = {contract.contract_id: contract for contract in batch.contracts}
    state = State(policy, by_id, {}, sites_on, credits=batch.credits)
    lines += [
        line for _, line in credit_lines(state, Ledger(batch.first_billed)) if line.billing_period <= batch.period
    ]
    rows, site_rows, tier_rows = line_rows(lines)
    return Result(
        batch.period,
        batch.first_billed,
        *([] for _ in range(7)),
        [
            {"site_id": site, "meter": meter, "activity_date": day, "reason": reason, "quantity": quantity}
            for (site, meter, day, reason), quantity in unrated.items()
        ],
        rows,
        site_rows,
        tier_rows,
        invoices(lines, by_id),
        [],
        [],
        {},
        lines,
    )


def peak_users(batch: Batch, contract: Contract, period: date, sites: Iterable[str]) -> dict[str, int]:
    """R11: the users of each site on the first date on which they are most, over all the contract's sites."""
    best: dict[str, int] = {}
    own = sorted(sites)
    for day in sorted({day for site, day in batch.users if site in own and day.replace(day=1) == period}):
        present = {s: batch.users[s, day] for s in own if (s, day) in batch.users}
        on_day = {s: users for s, users in present.items() if batch.contract_of(s, day) is contract}
        if sum(on_day.values()) > sum(best.values()):
            best = on_day
    return best


# --- to the SQL ------------------------------------------------------------------------------------------------------


def load(batch: Batch, scratch: Scratch) -> None:
    """Fill a scratch warehouse with the batch; int_metered_usage and the users' days are given."""
    scratch.empty()
    scratch.fill("policy.rate_plans", [plan_row(plan) for plan in batch.plans])
    scratch.fill("policy.rate_plan_charges", [charge_row(charge) for charge in batch.charges])
    scratch.fill("policy.rate_plan_tiers", [tier_row(tier) for tier in batch.tiers])
    scratch.fill("policy.currencies", [{"currency_code": c, "minor_units": n} for c, n in MINOR_UNITS.items()])
    scratch.fill("policy.settings", [{"setting": "first_billed_period", "value": f"{batch.first_billed:%Y-%m}"}])
    scratch.fill("raw.run_settings", [{"as_of": batch.as_of, "period": batch.period, "tzdata_version": "none"}])
    scratch.fill(
        "raw.zone_offsets",
        [
            {
                "time_zone": "UTC",
                "valid_from": "1999-12-01 00:00:00+00",
                "valid_to": "2100-01-01 00:00:00+00",
                "utc_offset_seconds": 0,
                "tzdata_version": "none",
            }
        ],
    )
    place = {"content_id": 1, "record_index": 1}
    scratch.fill(
        "raw.accounts", [place | {"account_id": a, "currency_code": code} for a, code in batch.accounts.items()]
    )
    scratch.fill(
        "raw.sites",
        [
            place
            | {
                "site_id": site,
                "account_id": account,
                "time_zone": "UTC",
                "listening_enabled": True,
                "effective_at": datetime.combine(start, time(), UTC),
            }
            for site, rows in batch.sites.items()
            for start, account in rows
        ],
    )
    scratch.fill("raw.contracts", [place | vars(contract) for contract in batch.contracts])
    scratch.fill(
        "raw.credits",
        [place | vars(credit) | {"amount": text(credit.amount), "approved_by": "test"} for credit in batch.credits],
    )
    usage = []
    for (site, meter, day, is_mapped), quantity in batch.usage.items():
        contract = batch.contract_of(site, day)
        usage.append(
            {
                "site_id": site,
                "contract_id": contract.contract_id if contract else None,
                "meter": meter,
                "activity_date": day,
                "is_channel_mapped": is_mapped,
                "quantity": text(quantity),
                "period": day.replace(day=1),
            }
        )
    scratch.give("int_metered_usage", usage, METERED)
    users = [{"site_id": site, "site_date": day, "users": users} for (site, day), users in batch.users.items()]
    scratch.give("int_platform_user_days", users, {"site_id": "varchar", "site_date": "date", "users": "bigint"})


METERED = {
    "site_id": "varchar",
    "contract_id": "varchar",
    "meter": "varchar",
    "activity_date": "date",
    "is_channel_mapped": "boolean",
    "quantity": "decimal(18, 6)",
    "period": "date",
}


def text(value: Fraction | None) -> str | None:
    """A fraction of few decimals as decimal text; it must have no more than nine."""
    if value is None:
        return None
    whole = value * 10**9
    if whole.denominator != 1:
        raise ValueError(f"{value} has more than nine decimals")
    digits = f"{abs(whole.numerator):010d}"
    return f"{'-' if whole < 0 else ''}{digits[:-9]}.{digits[-9:]}"


def plan_row(plan: Plan) -> Row:
    """A row of rate_plans.csv."""
    return {name: value for name, value in vars(plan).items() if value is not None}


def _stated(row: Mapping[str, Any]) -> Row:
    made = {name: text(value) if isinstance(value, Fraction) else value for name, value in row.items()}
    if made["effective_to"] == date.max:
        made["effective_to"] = None
    if made["effective_from"] == date.min:
        made["effective_from"] = SINCE
    return made


def charge_row(charge: Charge) -> Row:
    """A row of rate_plan_charges.csv."""
    return _stated(vars(charge))


def tier_row(tier: Tier) -> Row:
    """A row of rate_plan_tiers.csv."""
    return _stated(vars(tier))


# --- strategies ------------------------------------------------------------------------------------------------------

PRICES = st.one_of(
    st.sampled_from(
        [F(39), F("0.078"), F("0.39"), F("0.005"), F(0), F(1), F("0.333333333"), F("7.5"), F("999.999999999")]
    ),
    st.integers(0, 10**6).map(lambda n: F(n, 10**4)),
)
BLOCKS = st.sampled_from([F(1), F(100), F(250), F(7), F("0.5"), F("2.5"), F(1000)])
INCLUDED = st.sampled_from([F(0), F(1), F(2000), F(150_000), F("10.5"), F(31)])
CENTS = st.sampled_from([None, None, F(0), F("0.01"), F(50), F("99.995"), F("12345.678")])
FLATS = st.sampled_from([F(0), F(0), F(10), F("100.005"), F(900)])


@st.composite
def dates_in(draw: st.DrawFn, first: date, last: date) -> date:
    """A date in [first, last]; often an edge of it or of the last date's month."""
    edges = [day for day in (first, last, last.replace(day=1), last - timedelta(days=1)) if first <= day <= last]
    return draw(
        st.one_of(
            st.sampled_from(edges),
            st.integers(0, (last - first).days).map(lambda n: first + timedelta(days=n)),
        )
    )


@st.composite
def tier_sets(draw: st.DrawFn, charge_id: str, start: date, end: date) -> list[Tier]:
    """Tiers from zero without a gap, the last one open."""
    bounds = sorted(draw(st.sets(st.sampled_from([1, 10, 500, 2000, 5000, 10**6]), max_size=3)))
    edges: list[Fraction | None] = [F(0), *(F(bound) for bound in bounds), None]
    return [
        Tier(charge_id, edges[i] or F(0), edges[i + 1], draw(PRICES), draw(FLATS), start, end)
        for i in range(len(edges) - 1)
    ]


@st.composite
def charges_of(
    draw: st.DrawFn, plan_id: str, charge_id: str, first: date, last: date
) -> tuple[list[Charge], list[Tier]]:
    """The dated terms of one charge: cut anywhere, equal or other terms, sometimes without a term for a while."""
    meter = draw(st.sampled_from(METERS))
    models = ["standard", "package", "graduated", "volume", "flat"]
    cuts = sorted(draw(st.sets(dates_in(first, last + timedelta(days=1)), max_size=3)))
    bounds = [SINCE, *cuts, date.max]
    segments = list(itertools.pairwise(bounds))

    def term(start: date, end: date) -> Charge:
        model = draw(st.sampled_from(models))
        is_blocked = model in ("standard", "package")
        return Charge(
            plan_id,
            charge_id,
            meter,
            model,
            draw(INCLUDED) if model != "flat" else F(0),
            draw(BLOCKS) if is_blocked else F(1),
            draw(st.sampled_from([None, F(1), F("0.2"), F(100)])) if is_blocked else None,
            draw(PRICES) if model not in ("graduated", "volume") else F(0),
            draw(st.sampled_from(["up", "down", "none"])) if model == "package" else None,
            draw(CENTS),
            draw(CENTS),
            draw(st.sampled_from(["stated", "derived", "negotiated"])),
            start,
            end,
        )

    rows: list[Charge] = []
    for start, end in segments:
        how = draw(st.sampled_from(["new", "new", "same", "gap"])) if rows else "new"
        if how == "same":
            rows.append(Charge(**{**vars(rows[-1]), "effective_from": start, "effective_to": end}))
        elif how == "new":
            rows.append(term(start, end))
    if len(segments) > 1 and draw(st.booleans()) and draw(st.booleans()):
        rows = rows[1:] or rows
    tiers: list[Tier] = []
    tiered = [row.charge_model in ("graduated", "volume") for row in rows]
    if all(tiered):
        # Tiers with dates of their own.
        cuts = sorted(draw(st.sets(dates_in(first, last), max_size=1)))
    if any(tiered):
        bounds = [SINCE, *cuts, date.max]
        for start, end in itertools.pairwise(bounds):
            tiers += draw(tier_sets(charge_id, start, end))
    return rows, tiers


@st.composite
def batches(draw: st.DrawFn, most: int = 4) -> Batch:
    """Up to `most` accounts, each with one or two contracts after each other, plans of their own, and their usage."""
    period = draw(st.sampled_from([date(2026, 3, 1), date(2024, 2, 1), date(2026, 4, 1)]))
    before = (period - timedelta(days=1)).replace(day=1)
    first = draw(st.sampled_from([period, period, before]))
    last = next_month(period) - timedelta(days=1)
    batch = Batch(period, first)
    accounts = draw(st.integers(1, most))
    for number in range(accounts):
        account, code = f"A{number}", draw(st.sampled_from(sorted(MINOR_UNITS)))
        batch.accounts[account] = code
        starts = draw(st.one_of(st.just(date(2020, 1, 1)), dates_in(first, last)))
        ends = (
            draw(st.one_of(st.none(), dates_in(starts + timedelta(days=1), last + timedelta(days=1))))
            if (starts < last)
            else None
        )
        spans: list[tuple[date, date | None]] = [(starts, ends)]
        if ends is not None and ends <= last and draw(st.booleans()):
            spans.append((ends, None))
        for turn, (start, end) in enumerate(spans):
            plan_id = f"p{number}.{turn}"
            batch.plans.append(Plan(plan_id, code, None, "dar", draw(st.sampled_from(["full", "days"]))))
            over_cap = draw(st.sampled_from(["charge", "charge", "suspended"]))
            batch.contracts.append(Contract(f"c{number}.{turn}", account, plan_id, start, end, over_cap))
            for charge in range(draw(st.integers(1, 3))):
                rows, tiers = draw(charges_of(plan_id, f"{plan_id}.{charge}", first, last))
                batch.charges += rows
                batch.tiers += tiers
        for site in range(draw(st.integers(1, 3))):
            rows = [(date(2020, 1, 1), account)]
            if number and draw(st.integers(0, 3)) == 0:
                rows.append((draw(dates_in(first, last)), f"A{number - 1}"))
            batch.sites[f"s{number}.{site}"] = rows
        own = [site for site in batch.sites if site.startswith(f"s{number}.")]
        terms = [row for row in batch.charges if row.rate_plan_id.startswith(f"p{number}.")]
        for meter in sorted({row.meter for row in terms if row.meter in DAILY}):
            draw_usage(draw, batch, own, meter, [row for row in terms if row.meter == meter], first, last)
        if draw(st.integers(0, 3)) == 0:
            batch.use(draw(st.sampled_from(own)), draw(st.sampled_from(DAILY)), draw(dates_in(first, last)), 3)
        if draw(st.integers(0, 3)) == 0:
            batch.use(draw(st.sampled_from(own)), "channel_credit", draw(dates_in(first, last)), 2, is_mapped=False)
        if any(row.meter == "platform_user" for row in terms):
            for _ in range(draw(st.integers(0, 3))):
                key = (draw(st.sampled_from(own)), draw(dates_in(first, last)))
                batch.users[key] = draw(st.integers(0, 40))
        if draw(st.integers(0, 3)) == 0:
            contract = draw(st.sampled_from([c for c in batch.contracts if c.account_id == account]))
            amount = F(draw(st.integers(1, 10**6)), 10 ** MINOR_UNITS[code])
            usage_period = draw(st.sampled_from([period, first]))
            batch.credits.append(Credit(f"k{number}", contract.contract_id, usage_period, amount, code))
    return batch


def draw_usage(
    draw: st.DrawFn, batch: Batch, sites: Sequence[str], meter: str, terms: Sequence[Charge], first: date, last: date
) -> None:
    """A total on an edge of a term of the meter, cut into pieces over sites and dates."""
    term = draw(st.sampled_from(list(terms)))
    included = term.included_quantity.__ceil__()
    block = term.block_size.__ceil__()
    tiers = [int(tier.tier_to) for tier in batch.tiers if tier.charge_id == term.charge_id and tier.tier_to]
    edges = [0, included - 1, included, included + 1, included + block, included + block + 1, 10**9]
    edges += [edge for bound in tiers for edge in (included + bound, included + bound + 1)]
    total = draw(st.one_of(st.sampled_from([max(edge, 0) for edge in edges]), st.integers(0, 10_000)))
    pieces = draw(st.integers(1, 5))
    for piece in range(pieces):
        share = total if piece == pieces - 1 else draw(st.integers(0, total))
        total -= share
        batch.use(draw(st.sampled_from(list(sites))), meter, draw(dates_in(first, last)), share)
