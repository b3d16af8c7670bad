"""The oracle: what the warehouse must publish, read from the landing and policy files in plain Python.

Only the standard library, the pinned tzdata and zstandard; no SQL, nothing from orchestration/ or models/.
`reading` (INPUTS, SPEC 5) -> `metering` (SPEC 2) -> `rating` (SPEC 3); `closing` (SPEC 4) over states in memory;
`compare` sets a DuckDB file beside a result; `build` writes small landing and policy folders for tests.

Sums are Fractions. Rows are dictionaries with the columns of SPEC section 7; a line stands by its key, not its id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from . import metering, rating
from .arithmetic import months
from .closing import Ledger, Seal, State, close, credit_lines, draft, total_billed
from .rating import Line, rate_charge, rate_contract
from .reading import Charge, Contract, Credit, Plan, Policy, Reading, Tier, read, read_policy
from .zones import TZDATA_VERSION

__all__ = [
    "TZDATA_VERSION",
    "Charge",
    "Contract",
    "Credit",
    "Ledger",
    "Line",
    "Plan",
    "Policy",
    "Reading",
    "Result",
    "Seal",
    "State",
    "Tier",
    "close",
    "compute",
    "draft",
    "rate_charge",
    "rate_contract",
    "read",
    "read_policy",
    "state_of",
    "total_billed",
]

Row = dict[str, Any]


@dataclass
class Result:
    """The rows that the warehouse must publish, all periods open."""

    period: date
    first_billed_period: date | None
    dar: list[Row]
    channel_credits: list[Row]
    listening_credits: list[Row]
    cobrowse_sessions: list[Row]
    function_invocations: list[Row]
    platform_users: list[Row]
    daily_usage: list[Row]
    unrated: list[Row]
    lines: list[Row]
    line_sites: list[Row]
    line_tiers: list[Row]
    invoices: list[Row]
    rejected: list[Row]
    conflicts: list[Row]
    records: dict[str, Counter[str]]
    line_objects: list[Line]


def state_of(landing: Path, policy: Path, as_of: datetime, period: date, pseudonym_key: bytes | None = None) -> State:
    """The state that `closing` needs, from files."""
    rows = read_policy(policy)
    reading = read(landing, rows, pseudonym_key)
    usage, calendar = metering.meter(reading, rows, as_of, period)
    return _state(rows, reading, usage, calendar)


def _state(policy: Policy, reading: Reading, usage: metering.Usage, calendar: metering.Calendar) -> State:
    return State(
        policy,
        calendar.contracts,
        usage.rated,
        lambda contract, days: sorted(calendar.sites_of(contract, days)),
        usage.peak_users,
        reading.credits,
    )


def compute(landing: Path, policy: Path, as_of: datetime, period: date, pseudonym_key: bytes | None = None) -> Result:
    """Everything for a landing folder and a policy folder; `as_of` with zone, `period` the first of a month."""
    rows = read_policy(policy)
    reading = read(landing, rows, pseudonym_key)
    usage, calendar = metering.meter(reading, rows, as_of, period)
    first = metering.first_billed_period(rows, usage)
    lines: list[Line] = []
    if first is not None:
        by_period: dict[tuple[str, date], dict[tuple[str, str, str, date], Fraction]] = defaultdict(dict)
        for key, quantity in usage.rated.items():
            by_period[key[0], key[3].replace(day=1)][key] = quantity
        for billing_period in months(first, period):
            for contract in sorted(calendar.contracts.values(), key=lambda c: c.contract_id):
                lines += rating.rate_contract(
                    contract,
                    rows,
                    by_period[contract.contract_id, billing_period],
                    billing_period,
                    sites_on=lambda days, c=contract: sorted(calendar.sites_of(c, days)),
                    provisioned_users=usage.peak_users.get((contract.contract_id, billing_period)),
                )
        state = _state(rows, reading, usage, calendar)
        for _, line in credit_lines(state, Ledger(first)):
            if line.billing_period <= period:
                lines.append(line)
    line_rows, site_rows, tier_rows = rating.line_rows(lines)
    return Result(
        period,
        first,
        usage.dar,
        usage.channel_credits,
        [{name: value for name, value in row.items() if name != "_carries"} for row in usage.listening_credits],
        usage.cobrowse_sessions,
        usage.function_invocations,
        usage.platform_users,
        usage.daily_usage,
        usage.unrated,
        line_rows,
        site_rows,
        tier_rows,
        rating.invoices(lines, calendar.contracts),
        [vars(rejected) for rejected in usage.rejected],
        usage.conflicts,
        usage.records,
        lines,
    )
