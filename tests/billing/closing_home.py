"""A ledger's home for closing tests: real landing files, real policy files, real seals, and a warehouse in memory.

Loading (`load_landing`, `load_reference`) and sealing are the project's own; dbt's part is done by the runner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
from models.runner import Scratch
from oracle import Ledger, State
from oracle import close as oracle_close
from oracle import draft as oracle_draft
from oracle import metering as oracle_metering
from oracle import read as oracle_read
from oracle import read_policy as oracle_policy
from oracle.build import (
    conversation,
    invocation,
    message,
    millis,
    site,
    snapshot,
    user,
    write_lines,
    write_policy,
    write_reference,
)
from oracle.closing import total_billed
from oracle.compare import LINE_KEY, LINE_VALUES, _as_line, billed_by_usage_period, fetch, table_differences

from orchestration import landing, reference, sealing, zones
from orchestration.settings import Settings

F = Fraction
AS_OF = datetime(2026, 4, 20, 12, tzinfo=UTC)
PERIODS = (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
LAST = PERIODS[-1]
MARTS = (
    "fct_invoice_lines",
    "fct_invoice_line_sites",
    "fct_invoice_line_terms",
    "fct_invoice_line_tiers",
    "fct_invoices",
    "fct_usage_to_date",
    "fct_unrated_usage",
    "int_contract_holds",
    "fct_daily_active_relationships",
    "fct_platform_users",
    "fct_reconciliation",
    "fct_service_levels",
)
Row = dict[str, str]

# Small allowances, so that a handful of events bills.
PLANS: list[Row] = [
    {"rate_plan_id": "pa", "currency_code": "USD", "listening_grain": "dar", "stub_allowance": "full"},
    {"rate_plan_id": "pb", "currency_code": "JPY", "listening_grain": "conversation_dar", "stub_allowance": "days"},
]


def _charge(plan: str, name: str, meter: str, model: str, **more: str) -> Row:
    row = {"rate_plan_id": plan, "charge_id": f"{plan}_{name}", "meter": meter, "charge_model": model}
    return row | {"price_basis": "stated", "effective_from": "1990-01-01"} | more


CHARGES: list[Row] = [
    _charge("pa", "dar", "dar", "package", included_quantity="2", block_size="2", credits_per_block="100",
            price_per_block="39.00", rounding="up"),
    _charge("pa", "channel", "channel_credit", "standard", price_per_block="0.005"),
    _charge("pa", "listening", "listening", "standard", credits_per_block="0.2", price_per_block="0.078"),
    _charge("pa", "functions", "function_invocation", "graduated", maximum_amount="200"),
    _charge("pb", "base", "subscription", "flat", price_per_block="120000"),
    _charge("pb", "dar", "dar", "volume", minimum_amount="20"),
    _charge("pb", "channel", "channel_credit", "standard", price_per_block="0.4"),
    _charge("pb", "listening", "listening", "package", block_size="2", price_per_block="7.5", rounding="none"),
    _charge("pb", "functions", "function_invocation", "package", block_size="250", credits_per_block="1",
            included_quantity="10", price_per_block="150", rounding="down"),
    _charge("pb", "users", "platform_user", "standard", included_quantity="2", price_per_block="1000"),
]  # fmt: skip


def _tiers(charge: str, *bounds: tuple[str, str, str, str]) -> list[Row]:
    names = ("tier_from", "tier_to", "unit_price", "flat_price")
    return [{"charge_id": charge, "effective_from": "1990-01-01"} | dict(zip(names, b, strict=True)) for b in bounds]


TIERS = [
    *_tiers("pa_functions", ("0", "10", "0", "0"), ("10", "500", "0.42", "0"), ("500", "", "0.31", "1.005")),
    *_tiers("pb_dar", ("0", "3", "55.5", "0"), ("3", "", "41", "100")),
]
SITES = [
    site("s1", "A", "America/New_York"),
    site("s2", "A", "Asia/Kolkata", False),
    site("s3", "B", "Pacific/Auckland"),
]
CONTRACTS = [
    {"contract_id": "ca", "account_id": "A", "rate_plan_id": "pa", "starts_on": "2025-01-01",
     "functions_over_cap": "charge"},
    {"contract_id": "cb", "account_id": "B", "rate_plan_id": "pb", "starts_on": "2026-01-10",
     "functions_over_cap": "charge",
     "purchase_order": "PO-7", "payment_terms_days": "30"},
]  # fmt: skip


class House:
    """One home. `deliver`, `policy` and `reference` change its files, `run` and `close` do what the commands do."""

    def __init__(self, folder: Path, scratch: Scratch | None = None) -> None:
        self.folder = folder
        self.settings = Settings(home=folder, as_of=AS_OF, project_root=folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.settings.landing.mkdir()
        self.settings.temporary.mkdir()
        self.changes: dict[str, list[Row]] = {
            "rate_plans": PLANS,
            "rate_plan_charges": CHARGES,
            "rate_plan_tiers": TIERS,
            "rate_plan_channels": [{"rate_plan_id": p, "channel": "Web Messaging"} for p in ("pa", "pb")]
            + [{"rate_plan_id": "pa", "channel": "SMS"}],
            "settings": [
                {"setting": "first_billed_period", "value": "2026-01"},
                {"setting": "settling_days", "value": "3"},
            ],
        }
        self.policy()
        self.reference(
            accounts=[
                {"account_id": "A", "account_name": "Acme", "currency_code": "USD"},
                {"account_id": "B", "account_name": "Bento", "currency_code": "JPY"},
            ],
            sites=SITES,
            contracts=CONTRACTS,
        )
        self.scratch = scratch or Scratch()
        self.scratch.empty()
        self.ledger = Ledger(PERIODS[0])

    # --- what arrives

    def deliver(self, name: str, records: Sequence[Mapping[str, Any]]) -> Path:
        """A landing file, by its path inside the landing folder."""
        return write_lines(self.settings.landing, name, [dict(record) for record in records])

    def reference(self, version: str = "", **rows: Sequence[Row]) -> None:
        """Reference files; a later version is in force."""
        write_reference(self.settings.landing, version, **rows)

    def policy(self, **changes: list[Row]) -> None:
        """Policy files as they stand, with whole files replaced."""
        self.changes |= changes
        write_policy(self.settings.policy, **self.changes)

    # --- the commands

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return self.scratch.connection

    def load(self) -> None:
        """Bring raw and policy in line with the files."""
        landing.load_landing(self.connection, self.settings, log=lambda text: None)
        reference.load_reference(self.connection, self.settings, log=lambda text: None)
        zones.load_zone_offsets(self.connection)
        self.scratch.fill_policy(self.settings.policy)

    def run(self, period: date = LAST, *more: str) -> None:
        """Load everything and rebuild the marts for the period."""
        self.load()
        sealing.load_seals(self.connection, self.settings)
        row = {"as_of": self.settings.as_of, "period": period, "tzdata_version": zones.tzdata_version()}
        self.scratch.fill("raw.run_settings", [row])
        self.scratch.run(*MARTS, *more)

    def close(self, period: date) -> sealing.Seal:
        """Run, set the draft beside the oracle's, and seal; the oracle's ledger closes too."""
        self.run(period)
        state = self.state(period)
        assert self.differences(period, state) == []
        seal = sealing.seal_period(self.connection, self.settings, period, "test", "run", log=lambda text: None)
        self.ledger = oracle_close(state, self.ledger, period)
        return seal

    def rebuilt(self) -> None:
        """The working file is deleted: everything in memory is forgotten."""
        self.scratch.empty()

    # --- the oracle beside it

    def state(self, period: date) -> State:
        """What the oracle reads from the same files, and whom it holds (C5): unrated usage not acknowledged."""
        policy = oracle_policy(self.settings.policy)
        reading = oracle_read(self.settings.landing, policy, None)
        usage, calendar = oracle_metering.meter(reading, policy, AS_OF, period)
        found: dict[tuple[str, str, str, date], Fraction] = {}
        for row in usage.unrated:
            contract = calendar.contract_of(row["site_id"], row["activity_date"])
            month = row["activity_date"].replace(day=1)
            if contract is not None and PERIODS[0] <= month <= period:
                key = (contract.contract_id, row["site_id"], row["meter"], month)
                found[key] = found.get(key, F(0)) + row["quantity"]
        held = {key[0] for key, quantity in found.items() if quantity > self._acknowledged(key)}
        return State(
            policy,
            calendar.contracts,
            usage.rated,
            lambda contract, days: sorted(calendar.sites_of(contract, days)),
            usage.peak_users,
            reading.credits,
            frozenset(held),
        )

    def _acknowledged(self, key: tuple[str, str, str, date]) -> Fraction:
        contract, site_id, meter, month = key
        return max(
            (
                F(row["quantity"])
                for row in self.changes.get("acknowledgements", [])
                if row["contract_id"] in ("", contract)
                and row["site_id"] == site_id
                and row["meter"] == meter
                and row["period"][:7] == f"{month:%Y-%m}"
            ),
            default=F(-1),
        )

    def differences(self, period: date, state: State | None = None) -> list[str]:
        """The open lines, and the totals by usage period, that are not the oracle's."""
        state = state or self.state(period)
        names = (*LINE_KEY, *LINE_VALUES, "billed_before_quantity", "billed_before_amount")
        actual = [
            self._open(row) for row in fetch(self.connection, "billing.fct_invoice_lines", names, "status <> 'final'")
        ]
        expected = [self._open(line.row()) for line in oracle_draft(state, self.ledger, period)]
        messages = table_differences("open lines", actual, expected, LINE_KEY, names[len(LINE_KEY) :])
        totals = billed_by_usage_period(self.connection)
        wanted = total_billed(state, self.ledger, period)
        for key in sorted({*totals, *wanted}, key=str):
            if totals.get(key, (F(0), F(0))) != wanted.get(key, (F(0), F(0))):
                messages.append(f"billed for {key}: {totals.get(key)}, should be {wanted.get(key)}")
        first_open = self.ledger.first_open
        open_now = f"status <> 'final' and billing_period = date '{first_open}'"
        statuses = fetch(self.connection, "billing.fct_invoice_lines", ("contract_id", "status"), open_now)
        for row in statuses:
            if (row["contract_id"] in state.held) != (row["status"] == "held"):
                messages.append(
                    f"{row['contract_id']} is {row['status']} in {first_open:%Y-%m}; held are {set(state.held)}"
                )
        return messages

    @staticmethod
    def _open(row: dict[str, Any]) -> dict[str, Any]:
        own = _as_line(row)
        if own["line_kind"] == "adjustment":
            # What an adjustment says of its terms is not settled by SPEC.
            for name in ("usage_from", "usage_to", "included_quantity", "block_size", "price_basis", "unit_price"):
                own[name] = None
        return own

    # --- what is sealed

    def sealed_bytes(self) -> dict[str, str]:
        """SHA-256 of every sealed file but closed.json, by its path inside sealed/."""
        return {
            path.relative_to(self.settings.sealed).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.settings.sealed.rglob("*"))
            if path.is_file() and path.name != "closed.json"
        }

    def lines(self) -> list[dict[str, Any]]:
        """All lines, in order."""
        return self.scratch.rows("select * from billing.fct_invoice_lines order by invoice_line_id")

    def totals(self) -> dict[tuple[str, str, date], tuple[Fraction, Fraction]]:
        """(quantity, amount) per (contract, charge, usage period) over all seals and drafts."""
        return {key: value for key, value in billed_by_usage_period(self.connection).items() if any(value)}


__all__ = [
    "AS_OF",
    "CHARGES",
    "CONTRACTS",
    "LAST",
    "PERIODS",
    "SITES",
    "House",
    "conversation",
    "invocation",
    "message",
    "millis",
    "site",
    "snapshot",
    "user",
]
