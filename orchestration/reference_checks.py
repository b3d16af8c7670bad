"""What the values of a reference row must be, by themselves, against the rows accepted before and the policy rows.

What is said about a refused row names its line and column, never what a cell holds: a value in the wrong column
may be anybody's name (SPEC 5, 6).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from orchestration import zones
from orchestration.policy import policy_rows, withdrawn_paths
from orchestration.reference_rows import MAY_BE_EMPTY, REQUIRED, RefusedError, Row
from orchestration.settings import LedgerError, Settings, month_of


@dataclass(frozen=True)
class Policy:
    """What the policy rows say that reference rows are checked against."""

    minor_units: dict[str, int]
    plan_currencies: dict[str, str]
    withdrawn: frozenset[str]

    @classmethod
    def read(cls, settings: Settings) -> Policy:
        """Read currencies.csv, rate_plans.csv and withdrawals.csv; LedgerError if one cannot be used."""
        try:
            return cls(
                {
                    row["currency_code"]: int(row["minor_units"])
                    for row in policy_rows(settings, "currencies", "currency_code", "minor_units")
                },
                {
                    row["rate_plan_id"]: row["currency_code"]
                    for row in policy_rows(settings, "rate_plans", "rate_plan_id", "currency_code")
                },
                withdrawn_paths(settings),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerError(
                f"{settings.policy}: currencies.csv, rate_plans.csv or withdrawals.csv cannot be used "
                f"({type(error).__name__}: {error})."
            ) from error


class Checks:
    """The rules of each file, against the rows accepted before and the policy rows. Each returns the table's values."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.account_currencies: dict[str, str] = {}
        self.lines: dict[tuple[str, ...], int] = {}  # kind and key -> line of the accepted row
        self.terms: dict[str, list[tuple[date, date | None, int]]] = {}  # account -> from, to, line
        self.contract_currencies: dict[str, str] = {}

    def values(self, kind: str, row: Row) -> tuple[Any, ...]:
        """The table's values of a row of an `accounts`, `sites`, `contracts` or `credits` file; RefusedError."""
        for column in REQUIRED[kind]:
            if column not in MAY_BE_EMPTY and not row.get(column):
                raise RefusedError("missing_value", f"{column} is empty: state it.")
        check: Callable[[Row], tuple[Any, ...]] = getattr(self, kind)
        return check(row)

    def accounts(self, row: Row) -> tuple[Any, ...]:
        account, currency = row.values["account_id"], row.values["currency_code"]
        self._once(row, "account_id", "accounts", account)
        self._known_currency(currency)
        self._accept(row, "accounts", account)
        self.account_currencies[account] = currency
        return account, row.get("account_name"), currency

    def sites(self, row: Row) -> tuple[Any, ...]:
        values = row.values
        effective_at = _instant("effective_at", values["effective_at"])
        self._once(row, "site_id and effective_at", "sites", values["site_id"], effective_at.isoformat())
        self._known_account(values["account_id"])
        if not zones.is_site_zone(values["time_zone"]):
            raise RefusedError(
                "unknown_time_zone",
                f"time_zone is no Area/City name of tzdata {zones.tzdata_version()}: write one, such as Europe/London, "
                "or UTC. Abbreviations and fixed offsets are refused.",
            )
        listening = _boolean("listening_enabled", values["listening_enabled"])
        self._accept(row, "sites", values["site_id"], effective_at.isoformat())
        return values["site_id"], values["account_id"], values["time_zone"], listening, effective_at

    def contracts(self, row: Row) -> tuple[Any, ...]:
        values = row.values
        contract, account, plan = values["contract_id"], values["account_id"], values["rate_plan_id"]
        self._once(row, "contract_id", "contracts", contract)
        self._known_account(account)
        if plan not in self.policy.plan_currencies:
            raise RefusedError(
                "unknown_rate_plan",
                "seeds/policy/rate_plans.csv has no such rate_plan_id: correct it, or add the plan there.",
            )
        currency = self.account_currencies[account]
        if self.policy.plan_currencies[plan] != currency:
            raise RefusedError(
                "other_currency",
                f"The account is billed in {currency} and the plan is priced in {self.policy.plan_currencies[plan]}: "
                "correct one of them.",
            )
        starts_on = _date("starts_on", values["starts_on"])
        ends_on = _date("ends_on", values["ends_on"]) if values["ends_on"] else None
        if ends_on is not None and ends_on <= starts_on:
            raise RefusedError(
                "ends_before_it_starts",
                "ends_on (the first day without the contract) is not after starts_on: correct one of them.",
            )
        over_cap = (values["functions_over_cap"] or "charge").lower()
        if over_cap not in ("charge", "suspended"):
            raise RefusedError(
                "invalid_functions_over_cap",
                "functions_over_cap is neither charge nor suspended: write one of them.",
            )
        days = row.get("payment_terms_days")
        if days is not None and not re.fullmatch(r"[0-9]{1,5}", days):
            raise RefusedError(
                "invalid_payment_terms_days", "payment_terms_days is no whole number of days: write digits only."
            )
        for other_from, other_to, line in self.terms.get(account, ()):
            if (other_to is None or starts_on < other_to) and (ends_on is None or other_from < ends_on):
                raise RefusedError(
                    "contracts_overlap",
                    f"The account has another contract on the same dates, in line {line}: end that one first.",
                )
        self._accept(row, "contracts", contract)
        self.terms.setdefault(account, []).append((starts_on, ends_on, row.line))
        self.contract_currencies[contract] = currency
        purchase_order = row.get("purchase_order")
        return (
            contract, account, plan, starts_on, ends_on, over_cap, purchase_order,
            int(days) if days is not None else None,
        )  # fmt: skip

    def credits(self, row: Row) -> tuple[Any, ...]:
        values = row.values
        credit, contract, currency = values["credit_id"], values["contract_id"], values["currency_code"]
        self._once(row, "credit_id", "credits", credit)
        if contract not in self.contract_currencies:
            raise RefusedError(
                "unknown_contract",
                "No accepted row of contracts*.csv has this contract_id: correct it, or add the contract.",
            )
        if currency != self.contract_currencies[contract]:
            raise RefusedError(
                "other_currency",
                "The credit is in another currency than its contract, which is in "
                f"{self.contract_currencies[contract]}: state it in that one.",
            )
        period = _period("usage_period", values["usage_period"])
        amount = self._amount(values["amount"], currency)
        self._accept(row, "credits", credit)
        return credit, contract, period, amount, currency, row.get("reason"), values["approved_by"]

    def _amount(self, text: str, currency: str) -> Decimal:
        units = self.policy.minor_units.get(currency, 0)
        try:
            if not re.fullmatch(r"[+]?[0-9]{1,12}([.][0-9]*)?", text, re.ASCII):
                raise InvalidOperation
            amount = Decimal(text)
            if amount <= 0 or amount != round(amount, units):
                raise InvalidOperation
        except InvalidOperation as error:
            raise RefusedError(
                "invalid_amount",
                f"amount is no number above zero with at most {units} decimals: write one in {currency}.",
            ) from error
        return amount

    def _once(self, row: Row, name: str, *key: str) -> None:
        if key in self.lines:
            raise RefusedError(
                "duplicate_key", f"{name} is there already, in line {self.lines[key]}: remove one of the rows."
            )

    def _accept(self, row: Row, *key: str) -> None:
        self.lines[key] = row.line

    def _known_account(self, account: str) -> None:
        if account not in self.account_currencies:
            raise RefusedError(
                "unknown_account",
                "No accepted row of accounts*.csv has this account_id: correct it, or add the account.",
            )

    def _known_currency(self, currency: str) -> None:
        if currency not in self.policy.minor_units:
            raise RefusedError(
                "unknown_currency",
                "seeds/policy/currencies.csv has no such currency_code: correct it, or add a row there with its minor "
                "units.",
            )


def _date(column: str, value: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError("form")
        return date.fromisoformat(value)
    except ValueError as error:
        raise RefusedError("invalid_date", f"{column} is no date: write it as YYYY-MM-DD.") from error


def _instant(column: str, value: str) -> datetime:
    try:
        if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}($|[T ])", value):
            raise ValueError("form")
        instant = datetime.fromisoformat(value)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RefusedError(
            "invalid_instant", f"{column} is no instant: write it in UTC, such as 2026-01-01T00:00:00Z."
        ) from error


def _boolean(column: str, value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise RefusedError("invalid_boolean", f"{column} is neither true nor false: write one of them.")
    return value.lower() == "true"


def _period(column: str, value: str) -> date:
    period = month_of(value.removesuffix("-01") if value.count("-") == 2 else value)
    if period is None:
        raise RefusedError("invalid_period", f"{column} is no month: write it as YYYY-MM.")
    return period
