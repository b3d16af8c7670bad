"""The reference CSV files in force, checked row by row, as raw.accounts, raw.sites, raw.contracts and raw.credits.

What belongs here: which file is in force, the checks of INPUTS.md, a reason and a place for every refused row.
What does not: rates and plans (policy seeds), which contract holds on a date (dbt).

The data is tiny and is read anew at every run; everything is replaced in one transaction. A later row loses
against an earlier accepted one. What is said about a refused row names its line and column, never what a cell
holds: a value in the wrong column may be anybody's name (SPEC 5, 6).
"""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any

import duckdb

from orchestration import zones
from orchestration.files import UTF16_MARKS, FoundFile, UnreadableError, find_files, printable, read_all, scan
from orchestration.policy import policy_rows, withdrawn_paths
from orchestration.records import DETAILS, sha256
from orchestration.settings import LedgerError, Settings

FEED = "reference"
LOADER_VERSION = "1"
LARGEST_FILE = 256 << 20  # bytes; a reference file is a few kilobytes
OPTIONAL_KIND = "credits"

REQUIRED = {
    "accounts": ("account_id", "currency_code"),
    "sites": ("site_id", "account_id", "time_zone", "listening_enabled", "effective_at"),
    "contracts": ("contract_id", "account_id", "rate_plan_id", "starts_on", "ends_on", "functions_over_cap"),
    "credits": ("credit_id", "contract_id", "usage_period", "amount", "currency_code", "approved_by"),
}
MAY_BE_EMPTY = {"ends_on", "functions_over_cap"}
TABLES = {
    "accounts": (("account_id", "varchar"), ("account_name", "varchar"), ("currency_code", "varchar")),
    "sites": (
        ("site_id", "varchar"),
        ("account_id", "varchar"),
        ("time_zone", "varchar"),
        ("listening_enabled", "boolean"),
        ("effective_at", "timestamptz"),
    ),
    "contracts": (
        ("contract_id", "varchar"),
        ("account_id", "varchar"),
        ("rate_plan_id", "varchar"),
        ("starts_on", "date"),
        ("ends_on", "date"),
        ("functions_over_cap", "varchar"),
        ("purchase_order", "varchar"),
        ("payment_terms_days", "integer"),
    ),
    "credits": (
        ("credit_id", "varchar"),
        ("contract_id", "varchar"),
        ("usage_period", "date"),
        ("amount", "decimal(18, 4)"),
        ("currency_code", "varchar"),
        ("reason", "varchar"),
        ("approved_by", "varchar"),
    ),
}
Log = Callable[[str], None]


class RefusedError(Exception):
    """A row (or file) that is refused: the word for it and a sentence that says what to do."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


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
                {row["currency_code"]: int(row["minor_units"]) for row in policy_rows(settings, "currencies")},
                {row["rate_plan_id"]: row["currency_code"] for row in policy_rows(settings, "rate_plans")},
                withdrawn_paths(settings),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerError(
                f"{settings.policy}: currencies.csv, rate_plans.csv or withdrawals.csv cannot be used "
                f"({type(error).__name__}: {error})."
            ) from error


@dataclass(frozen=True)
class Row:
    """A row of a CSV file: its values by column, the line it begins on, and the hash of its text."""

    line: int
    values: dict[str, str]
    digest: str

    def get(self, column: str) -> str | None:
        return self.values.get(column) or None


@dataclass
class _Content:
    """A reference file and what became of it."""

    file: FoundFile
    kind: str | None
    sha256: str
    content: int = 0
    records: int = 0
    # line, record_kind, reason, detail, record_hash
    rejects: list[tuple[int | None, str, str, str, str]] = field(default_factory=list)

    def refuse(self, row: Row, error: RefusedError) -> None:
        self.rejects.append((row.line, "row", error.reason, error.detail, row.digest))

    def refuse_file(self, reason: str, detail: str) -> None:
        self.rejects.append((None, "file", reason, detail, self.sha256))


@dataclass
class ReferenceSummary:
    """What is in force after a run."""

    files: int = 0
    in_force: dict[str, str] = field(default_factory=dict)  # kind -> path
    rows: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    seconds: float = 0.0


def load_reference(connection: duckdb.DuckDBPyConnection, settings: Settings, log: Log = print) -> ReferenceSummary:
    """Replace the reference tables by the rows of the files in force; refused rows are listed with line and reason.

    LedgerError if the policy rows that they are checked against cannot be read.
    """
    started = time.monotonic()
    policy = Policy.read(settings)
    contents = [_describe(file) for file in find_files(settings.landing, FEED, log)]
    in_force: dict[str, _Content] = {}
    for content in contents:
        if content.file.problem:
            content.refuse_file(content.file.problem, DETAILS[content.file.problem])
        elif content.kind is None:
            content.refuse_file(
                "unknown_reference_file",
                "The name begins with none of accounts, sites, contracts, credits: rename or remove the file.",
            )
        elif content.file.path not in policy.withdrawn:
            in_force[content.kind] = content  # files come in the order of their paths
    checks = _Checks(policy)
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for kind in TABLES:
        rows[kind] = list(_accepted(in_force[kind], checks)) if kind in in_force else []
        if kind not in in_force and kind != OPTIONAL_KIND:
            log(f"reference: there is no {kind}*.csv in landing/reference")
    _write(connection, contents, {in_force[kind].file.path: kind for kind in in_force}, rows)
    rejects = sum(len(content.rejects) for content in contents)
    for content in contents:
        for line, _, reason, detail, _ in content.rejects[:20]:
            place = f", line {line}" if line else ""
            log(f"{printable(content.file.path)}{place}: {reason}. {printable(detail)}")
    return ReferenceSummary(
        files=len(contents),
        in_force={kind: content.file.path for kind, content in in_force.items()},
        rows={kind: len(accepted) for kind, accepted in rows.items()},
        rejects=rejects,
        seconds=time.monotonic() - started,
    )


def _describe(file: FoundFile) -> _Content:
    name = file.path.rsplit("/", 1)[-1].lower()
    kind = next((kind for kind in TABLES if name.startswith(kind)), None)
    if file.problem and file.problem != "unknown_file_type":
        return _Content(file, kind, sha256(f"{file.problem}:{file.path}".encode()))
    return _Content(file, kind, scan(file).sha256)


def _accepted(content: _Content, checks: _Checks) -> Iterator[tuple[Any, ...]]:
    """The rows of a file that pass, as (line, values in the order of the table); the others are refused."""
    kind = content.kind or ""
    check = getattr(checks, kind)
    try:
        for row in _rows(content):
            content.records += 1
            try:
                for column in REQUIRED[kind]:
                    if column not in MAY_BE_EMPTY and not row.get(column):
                        raise RefusedError("missing_value", f"{column} is empty: state it.")
                values = check(row)
            except RefusedError as error:
                content.refuse(row, error)
            else:
                yield row.line, values
    except RefusedError as error:
        content.records += 1
        content.refuse_file(error.reason, error.detail)


def _rows(content: _Content) -> Iterator[Row]:
    """The rows of a CSV file by column name; rows that are no rows are refused on the way.

    RefusedError if the file as a whole is unusable.
    """
    kind = content.kind or ""
    try:
        data = read_all(content.file, LARGEST_FILE)
    except UnreadableError as error:
        raise RefusedError(error.reason, DETAILS[error.reason]) from error
    if data.startswith(UTF16_MARKS):
        raise RefusedError("not_utf8", DETAILS["not_utf8"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RefusedError("invalid_utf8", f"Line {line} is not UTF-8: save the file as CSV in UTF-8.") from error
    lines = list(io.StringIO(text, newline=""))
    skipped, reader = 0, csv.reader(iter(lines), strict=True)
    header: list[str] | None = None
    while True:
        begin = skipped + reader.line_num
        try:
            cells = next(reader)
            end = skipped + reader.line_num
        except StopIteration:
            break
        except csv.Error as error:
            # A quote that is never closed takes its own line with it, not the rows behind it.
            cells, fault, end = None, str(error), begin + 1
            skipped, reader = end, csv.reader(islice(lines, end, None), strict=True)
        raw = "".join(lines[begin:end]).rstrip("\r\n").encode("utf-8", "surrogatepass")
        row = Row(begin + 1, {}, sha256(raw))
        if cells is None:
            if header is None:
                raise RefusedError("broken_csv", f"The header cannot be read ({fault}): save the file as CSV anew.")
            content.records += 1
            content.refuse(row, RefusedError("broken_csv", f"The row cannot be read ({fault}): check its quotes."))
            continue
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            _check_header(kind, header)
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            content.records += 1
            content.refuse(
                row,
                RefusedError(
                    "wrong_number_of_values",
                    f"The row has {len(cells)} values and the header {len(header)}: put values with commas in quotes.",
                ),
            )
            continue
        if any("\0" in cell for cell in cells):
            content.records += 1
            content.refuse(row, RefusedError("unusable_value", "A value holds a NUL character: remove it."))
            continue
        row.values.update(zip(header, cells, strict=False))
        yield row
    if header is None:
        raise RefusedError("empty_file", "The file has no header: deliver it again.")


def _check_header(kind: str, header: list[str]) -> None:
    known = [name for name, _ in TABLES[kind]]
    missing = [column for column in REQUIRED[kind] if column not in header]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if missing and len(header) == 1 and separator in header[0]:
            raise RefusedError(
                "missing_column", f"The values are separated by {name}: save the file as CSV separated by commas."
            )
    if missing:
        raise RefusedError("missing_column", f"The header has no column {', '.join(missing)}: add it.")
    doubled = {column for column in header if column and header.count(column) > 1}
    if doubled:
        # A name that is not ours may be anything: only places are told.
        names = sorted(doubled & set(known)) or ["a column of another name"]
        raise RefusedError("duplicate_column", f"The header has {', '.join(names)} twice: remove one.")


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
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})(-01)?", value)
    if not match or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1:
        raise RefusedError("invalid_period", f"{column} is no month: write it as YYYY-MM.")
    return date(int(match[1]), int(match[2]), 1)


class _Checks:
    """The rules of each file, against the rows accepted before and the policy rows. Each returns the table's values."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.account_currencies: dict[str, str] = {}
        self.lines: dict[tuple[str, ...], int] = {}  # kind and key -> line of the accepted row
        self.terms: dict[str, list[tuple[date, date | None, int]]] = {}  # account -> from, to, line
        self.contract_currencies: dict[str, str] = {}

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
            if not re.fullmatch(r"[+]?[0-9]{1,14}([.][0-9]*)?", text):
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


def _write(
    connection: duckdb.DuckDBPyConnection,
    contents: list[_Content],
    in_force: dict[str, str],
    rows: dict[str, list[tuple[Any, ...]]],
) -> None:
    """Replace manifest, refused rows and tables in one transaction."""
    known = {
        (path, digest): content
        for path, digest, content in connection.execute(
            "select path, sha256, content_id from raw.landing_files where feed = ?", [FEED]
        ).fetchall()
    }
    last = connection.execute("select coalesce(max(content_id), 0) from raw.landing_contents").fetchone()
    following = (int(last[0]) if last else 0) + 1
    # A content of this feed is one path's: what a row is checked for depends on the name of its file.
    for content in contents:
        content.content = known.get((content.file.path, content.sha256), 0)
        if not content.content:
            content.content, following = following, following + 1
    owners = {in_force[content.file.path]: content.content for content in contents if content.file.path in in_force}
    connection.begin()
    try:
        _write_manifest(connection, contents)
        for kind, columns in TABLES.items():
            connection.execute(f"delete from raw.{kind}")
            _insert(
                connection,
                kind,
                (("content_id", "bigint"), ("record_index", "bigint"), *columns),
                [(owners[kind], line, *values) for line, values in rows[kind]],
            )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[tuple[str, str], ...],
    rows: list[tuple[Any, ...]],
) -> None:
    if rows:
        lists = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
        names = ", ".join(name for name, _ in columns)
        connection.execute(f"insert into raw.{table} ({names}) select {values}", lists)


def _write_manifest(connection: duckdb.DuckDBPyConnection, contents: list[_Content]) -> None:
    execute = connection.execute
    execute(
        "delete from raw.rejected_records where content_id in "
        "(select content_id from raw.landing_contents where feed = ?)",
        [FEED],
    )
    execute("delete from raw.landing_files where feed = ? and path not in (select unnest(?::varchar[]))", [
        FEED, [content.file.path for content in contents],
    ])  # fmt: skip
    execute("delete from raw.landing_contents where feed = ? and content_id not in (select unnest(?::bigint[]))", [
        FEED, [content.content for content in contents],
    ])  # fmt: skip
    for content in contents:
        file = content.file
        execute(
            "insert or replace into raw.landing_files values (?, ?, ?, ?, ?, ?)",
            [file.path, FEED, content.sha256, file.size, file.mtime_ns, content.content],
        )
        execute(
            "insert or replace into raw.landing_contents values (?, ?, ?, ?, ?, ?, ?, null, null, ?)",
            [
                content.content, FEED, file.format, content.sha256, file.size, content.records or len(content.rejects),
                len(content.rejects), LOADER_VERSION,
            ],
        )  # fmt: skip
    _insert(
        connection,
        "rejected_records",
        (
            ("content_id", "bigint"),
            ("record_index", "bigint"),
            ("record_kind", "varchar"),
            ("reason", "varchar"),
            ("detail", "varchar"),
            ("record_hash", "varchar"),
        ),
        [(content.content, *reject) for content in contents for reject in content.rejects],
    )
