"""What the landing folder and the policy folder say (INPUTS.md, SPEC section 5), one record at a time.

Nothing is repaired: what cannot be parsed or keyed is one rejected record. What can be keyed is kept as it
stands, with null for every value that is not usable; metering judges it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import hmac
import io
import json
import re
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

import zstandard

from .arithmetic import rounded
from .zones import SiteRow, is_accepted_zone

MESSAGING = "messaging_interactions"
FUNCTIONS = "function_invocations"
USERS = "platform_users"
REFERENCE = "reference"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_MILLIS = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
LAST_MILLIS = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
TEXT_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)", re.ASCII
)
NUMBER_TEXT = re.compile(r"[+-]?\d{1,300}(\.\d*)?([eE][+-]?\d{1,3})?", re.ASCII)
LARGEST = 10**300


# --- records -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Place:
    """Where a record stands: the last path of its content, its line or index, and its item in the record."""

    path: str
    line: int
    item: int = 0


@dataclass(frozen=True)
class Rejected:
    """One rejected record (SPEC section 5), without content."""

    feed: str
    file: str
    line: int | None
    reason: str
    record_hash: str | None = None


@dataclass(frozen=True)
class Message:
    place: Place
    message_id: str
    participant_id: str | None
    instant: datetime | None
    side: str | None  # consumer, agent; None for anything else
    audience: str | None
    source: str | None


@dataclass(frozen=True)
class Session:
    place: Place
    session_id: str
    started: datetime | None
    became_interactive: datetime | None  # None: missing, 0 or -1
    is_interactive: bool


@dataclass(frozen=True)
class AgentListing:
    agent_id: str
    user_type: int  # 0 system, 1 human, 2 bot
    listed: datetime | None


@dataclass(frozen=True)
class ConsumerListing:
    participant_id: str
    listed: datetime | None


@dataclass(frozen=True)
class Conversation:
    """One copy of a conversation."""

    place: Place
    site_id: str
    conversation_id: str
    source: str | None
    messages: tuple[Message, ...]
    agents: tuple[AgentListing, ...]
    consumers: tuple[ConsumerListing, ...]
    sessions: tuple[Session, ...]


@dataclass(frozen=True)
class Invocation:
    place: Place
    site_id: str
    invocation_id: str
    function_id: str | None
    instant: datetime | None
    trigger: str | None
    count: int | None  # None: not stated, or not a whole number
    is_count_stated: bool


@dataclass(frozen=True)
class User:
    place: Place
    user_id: str
    user_type: int | None
    is_enabled: bool
    is_deleted: bool


@dataclass(frozen=True)
class Snapshot:
    place: Place
    site_id: str
    instant: datetime | None
    users: tuple[User, ...]


@dataclass(frozen=True)
class Contract:
    contract_id: str
    account_id: str
    rate_plan_id: str
    starts_on: date
    ends_on: date | None  # excluded
    functions_over_cap: str
    purchase_order: str | None = None
    payment_terms_days: int | None = None

    def covers(self, day: date) -> bool:
        """Half-open [starts_on, ends_on)."""
        return self.starts_on <= day and (self.ends_on is None or day < self.ends_on)


@dataclass(frozen=True)
class Credit:
    credit_id: str
    contract_id: str
    usage_period: date
    amount: Fraction
    currency_code: str


@dataclass
class Reading:
    """Everything that a landing folder says."""

    conversations: list[Conversation] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)  # account -> currency
    sites: dict[str, list[SiteRow]] = field(default_factory=dict)
    contracts: list[Contract] = field(default_factory=list)
    credits: list[Credit] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


# --- values (INPUTS: quirks) -----------------------------------------------------------------------------------


def stated(value: Any) -> Any:
    """The value, or None where the payload says nothing: missing, null, empty, "undefined", "null"."""
    return None if value in ("", "undefined", "null") and isinstance(value, str) else value


def text(value: Any) -> str | None:
    """An id, source or trigger, exactly as it stands; numbers as their text; None for anything else.

    A text that no table can hold (a NUL, half of a surrogate pair) is none.
    """
    value = stated(value)
    if isinstance(value, str):
        return None if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value) else value
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return str(value)
    return None


def numeric(value: Any) -> Fraction | None:
    """A number, also written as a string; None for anything else."""
    value = stated(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = Decimal(value.strip()) if NUMBER_TEXT.fullmatch(value.strip()) else None
    if isinstance(value, Decimal):
        return Fraction(value) if abs(value) < LARGEST else Fraction(LARGEST if value > 0 else -LARGEST)
    return Fraction(value) if isinstance(value, int) else None


def whole(value: Any) -> int | None:
    """A whole number, also written as a string; None for anything else."""
    found = numeric(value)
    return found.numerator if found is not None and found.denominator == 1 else None


def truth(value: Any) -> bool | None:
    """A boolean, also written as a string in any case; None for anything else."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def instant_of_millis(value: Any) -> datetime | None:
    """Epoch milliseconds as an instant; None where not a number. Outside the years 1 to 9999: the nearest end,
    which is as implausible as the number is."""
    millis = numeric(value)
    if millis is None:
        return None
    return EPOCH + timedelta(milliseconds=min(max(round(millis), FIRST_MILLIS), LAST_MILLIS))


def instant_of_text(value: Any) -> datetime | None:
    """A text twin such as ``2016-08-29 14:30:24.565+0000``; None where not usable."""
    match = TEXT_INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micros = int((match[7] or "").ljust(6, "0"))
    zone_text = "+0000" if match[8] == "Z" else match[8].replace(":", "")
    offset = timedelta(hours=int(zone_text[1:3]), minutes=int(zone_text[3:]))
    try:
        local = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC)
        return local - offset if zone_text[0] == "+" else local + offset
    except (ValueError, OverflowError):
        return None


def instant(record: dict[str, Any], name: str) -> datetime | None:
    """INPUTS: the L field wins; without a usable one the text twin is read; without either None."""
    found = instant_of_millis(record.get(name + "L"))
    return instant_of_text(record.get(name)) if found is None else found


# --- files ---------------------------------------------------------------------------------------------------


class NotParsed(ValueError):  # noqa: N818
    """A record that cannot be parsed or keyed; the message is the reason."""


def format_of(path: str) -> str | None:
    """``json``, ``jsonl`` or ``csv``, with the compression: part of a content's identity."""
    match = re.search(r"\.(json|jsonl|csv)(\.gz|\.zst)?$", path)
    return match[0][1:] if match else None


def decompressed(content: bytes, file_format: str) -> bytes:
    """The content without its compression. Raises NotParsed where it is broken."""
    try:
        if file_format.endswith(".gz"):
            if not content:  # nor of gzip a member
                raise NotParsed("broken_compression")
            return gzip.decompress(content)
        if file_format.endswith(".zst"):
            plain, rest = bytearray(), content
            while rest or not content:  # an empty file is no frame
                frame = zstandard.ZstdDecompressor().decompressobj()
                plain += frame.decompress(rest)
                if not frame.eof:
                    raise NotParsed("broken_compression")
                rest = frame.unused_data
            return bytes(plain)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise NotParsed("broken_compression") from error
    return content


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a doubled field the first counts."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        result.setdefault(name, value)
    return result


def _refuse_constant(word: str) -> None:
    raise ValueError(word)


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < 100 else Decimal(digits)


def parse_json(content: bytes) -> Any:
    """Strict JSON in UTF-8. Raises NotParsed; nothing is repaired, and any depth of nesting is valid."""
    try:
        try:
            return _loads(content)
        except RecursionError:
            return _on_a_deep_stack(lambda: _loads(content))
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise NotParsed("broken_json") from error


def _loads(content: bytes) -> Any:
    return json.loads(
        content.decode("utf-8"),
        object_pairs_hook=_first_of_each,
        parse_constant=_refuse_constant,
        parse_float=Decimal,
        parse_int=_integer,
    )


def _on_a_deep_stack(task: Callable[[], Any]) -> Any:
    """The task's result from a thread that may go 100,000 calls deep."""
    limit, size = sys.getrecursionlimit(), threading.stack_size(512 << 20)
    sys.setrecursionlimit(100_000)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(task).result()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


def landing_files(landing: Path, feed: str) -> list[tuple[str, Path]]:
    """(path inside the landing folder, file) of a feed; hidden and half-written names are not there yet."""
    root = landing / feed
    found = []
    for file in sorted(root.rglob("*")) if root.is_dir() else []:
        path = file.relative_to(landing).as_posix()
        is_hidden = any(name.startswith(".") or name.endswith((".tmp", "~")) for name in path.split("/"))
        if file.is_file() and not is_hidden and _is_inside(file, landing):
            found.append((path, file))
    return found


def _is_inside(file: Path, landing: Path) -> bool:
    return file.resolve().is_relative_to(landing.resolve())


def unknown_files(landing: Path, feed: str) -> list[Rejected]:
    """Files whose names say nothing that a feed takes: one rejected record each."""
    return [
        Rejected(feed, path, None, "unknown_file_type", hashlib.sha256(file.read_bytes()).hexdigest())
        for path, file in landing_files(landing, feed)
        if format_of(path) is None
    ] + [
        Rejected(feed, link.relative_to(landing).as_posix(), None, "outside_landing")
        for link in sorted((landing / feed).rglob("*"))
        if link.is_symlink() and not _is_inside(link, landing)
    ]


def landing_contents(landing: Path, feed: str, withdrawn: Iterable[str] = ()) -> list[tuple[str, str, bytes]]:
    """(last path, format, bytes) of every distinct content of a feed, ordered by that path (SPEC 5, R12).

    Identity is (format, bytes): content that several paths carry is read once, under its last path.
    """
    gone = set(withdrawn)
    last_path: dict[tuple[str, str], str] = {}
    for path, file in landing_files(landing, feed):
        file_format = format_of(path)
        if file_format is None or path in gone:
            continue
        identity = (file_format, hashlib.sha256(file.read_bytes()).hexdigest())
        last_path[identity] = max(path, last_path.get(identity, ""))
    return [
        (path, file_format, (landing / path).read_bytes())
        for path, file_format in sorted((path, identity[0]) for identity, path in last_path.items())
    ]


def json_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(line from 1, bytes) of every line that is not blank."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if line.strip(b" \t\r"):
            yield number, line


def json_records(
    reading: Reading, feed: str, path: str, file_format: str, content: bytes
) -> Iterator[tuple[int, Any, str]]:
    """(line or index, record, hash) of a file of one object a line, or of a page; rejects what is broken."""

    def reject(line: int | None, reason: str, record: bytes) -> None:
        reading.rejected.append(Rejected(feed, path, line, reason, hashlib.sha256(record).hexdigest()))

    try:
        plain = decompressed(content, file_format)
    except NotParsed as error:
        return reject(None, str(error), content)
    if plain.startswith((b"\xff\xfe", b"\xfe\xff")):
        return reject(None, "not_utf8", content)
    if file_format.startswith("jsonl"):
        for number, line in json_lines(plain):
            try:
                yield number, parse_json(line), hashlib.sha256(line).hexdigest()
            except NotParsed as error:
                reject(number, str(error), line)
        return None
    if not file_format.startswith("json"):
        return reject(None, "unexpected_format", content)
    try:
        page = parse_json(plain)
    except NotParsed as error:
        return reject(None, str(error), plain)
    if feed != MESSAGING:
        yield 1, page, hashlib.sha256(plain).hexdigest()
        return None
    records = page.get("conversationHistoryRecords") if isinstance(page, dict) else None
    if not isinstance(records, list):
        return reject(None, "no_records_in_page", plain)
    for number, record in enumerate(records, start=1):
        yield number, record, hashlib.sha256(json.dumps(record, default=str).encode()).hexdigest()
    return None


# --- feeds ---------------------------------------------------------------------------------------------------


def items(record: Any, name: str) -> list[Any]:
    """A list field; missing and null are empty. Raises NotParsed for anything else."""
    value = stated(record.get(name))
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotParsed(f"no_list_{name}")
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: Any) -> dict[str, Any]:
    value = stated(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotParsed("no_object")
    return value


def kind_of_listing(listing: dict[str, Any]) -> int | None:
    """R1: userType wins over userTypeName; an unknown userType is no listing."""
    if stated(listing.get("userType")) is not None:
        kind = whole(listing["userType"])
        return kind if kind in (0, 1, 2) else None
    name = text(listing.get("userTypeName"))
    return {"system": 0, "human": 1, "bot": 2}.get(name.lower()) if name else None


def read_conversation(
    path: str, number: int, record: Any, digest: str, stored_consumer: Any
) -> tuple[Conversation, list[Rejected]]:
    """One conversation record. Raises NotParsed where it cannot be parsed or keyed as a whole."""
    rejected: list[Rejected] = []

    def reject(reason: str) -> None:
        rejected.append(Rejected(MESSAGING, path, number, reason, digest))

    record = _object(record)
    info = _object(record.get("info"))
    conversation_id, site_id = text(info.get("conversationId")), text(info.get("brandId"))
    if conversation_id is None:
        raise NotParsed("missing_conversation_id")
    if site_id is None:
        raise NotParsed("missing_site_id")

    messages = []
    for place, raw in enumerate(items(record, "messageRecords"), start=1):
        message_id = text(raw.get("messageId")) if isinstance(raw, dict) else None
        if message_id is None:
            reject("missing_message_id")
            continue
        side = {"consumer": "consumer", "agent": "agent"}.get((text(raw.get("sentBy")) or "").lower())
        participant = text(raw.get("participantId"))
        messages.append(
            Message(
                Place(path, number, place),
                message_id,
                stored_consumer(participant) if side == "consumer" else participant,
                instant(raw, "time"),
                side,
                text(raw.get("audience")),
                text(raw.get("source")),
            )
        )

    # Listings are no records: one that cannot be read is no listing.
    agents = []
    for raw in _list(record.get("agentParticipants")):
        agent_id = text(raw.get("agentId")) if isinstance(raw, dict) else None
        kind = kind_of_listing(raw) if agent_id is not None else None
        if agent_id is not None and kind is not None:
            agents.append(AgentListing(agent_id, kind, instant(raw, "time")))

    consumers = []
    for raw in _list(record.get("consumerParticipants")) + _list(record.get("consumerParticipant")):
        participant = text(raw.get("participantId")) if isinstance(raw, dict) else None
        if participant is not None:
            consumers.append(ConsumerListing(stored_consumer(participant), instant(raw, "time")))

    # Sessions that cannot be told apart are one record; the messages beside them count.
    sessions, listed = [], []
    try:
        listed = items(_object(record.get("coBrowseSessions") or None), "coBrowseSessionsList")
    except NotParsed as error:
        reject(str(error))
    for place, raw in enumerate(listed, start=1):
        session_id = text(raw.get("sessionId")) if isinstance(raw, dict) else None
        if session_id is None:
            reject("missing_session_id")
            continue
        sessions.append(
            Session(
                Place(path, number, place),
                session_id,
                instant(raw, "startTime"),
                interactive_instant(raw),
                bool(truth(raw.get("isInteractive"))) or bool(truth(raw.get("interactive"))),
            )
        )
    conversation = Conversation(
        Place(path, number), site_id, conversation_id, text(info.get("source")),
        tuple(messages), tuple(agents), tuple(consumers), tuple(sessions),
    )  # fmt: skip
    return conversation, rejected


def interactive_instant(session: dict[str, Any]) -> datetime | None:
    """R9: missing or undefined gives the text twin; 0 and -1 give None, and with it the start."""
    if whole(session.get("interactiveTimeL")) in (0, -1):
        return None
    return instant(session, "interactiveTime")


def read_invocation(path: str, number: int, record: Any) -> Invocation:
    """One invocation record. Raises NotParsed where it cannot be keyed."""
    if not isinstance(record, dict):
        raise NotParsed("no_object")
    site_id, invocation_id = text(record.get("accountId")), text(record.get("invocationId"))
    if site_id is None:
        raise NotParsed("missing_site_id")
    if invocation_id is None:
        raise NotParsed("missing_invocation_id")
    return Invocation(
        Place(path, number),
        site_id,
        invocation_id,
        text(record.get("functionUuid")),
        instant_of_millis(record.get("timestampL")),
        text(record.get("trigger")),
        whole(record.get("count")),
        stated(record.get("count")) is not None,
    )


def read_snapshot(path: str, number: int, record: Any, digest: str) -> tuple[Snapshot, list[Rejected]]:
    """One snapshot of a site's users. Raises NotParsed where it cannot be keyed."""
    if not isinstance(record, dict):
        raise NotParsed("no_object")
    site_id = text(record.get("accountId"))
    if site_id is None:
        raise NotParsed("missing_site_id")
    if not isinstance(record.get("users"), list):
        raise NotParsed("no_list_users")
    users, rejected = [], []
    for place, raw in enumerate(record["users"], start=1):
        user_id = text(raw.get("id")) if isinstance(raw, dict) else None
        if user_id is None:
            rejected.append(Rejected(USERS, path, number, "missing_user_id", digest))
            continue
        users.append(
            User(
                Place(path, number, place),
                user_id,
                whole(raw.get("userTypeId")),
                bool(truth(raw.get("isEnabled"))),
                bool(truth(raw.get("deleted"))),
            )
        )
    return Snapshot(
        Place(path, number), site_id, instant_of_millis(record.get("snapshotTimeL")), tuple(users)
    ), rejected


# --- reference -----------------------------------------------------------------------------------------------


def month_of(value: str) -> date:
    """A period: ``YYYY-MM`` or ``YYYY-MM-01``. Raises ValueError."""
    match = re.fullmatch(r"(\d{4})-(\d\d)(-01)?", value, re.ASCII)
    if not match:
        raise ValueError(value)
    return date(int(match[1]), int(match[2]), 1)


def number(value: str | None) -> Fraction | None:
    """A decimal number of a CSV; empty is None. Raises ValueError."""
    if value is None or not value.strip():
        return None
    try:
        parsed = Decimal(value.strip())
    except InvalidOperation as error:
        raise ValueError(value) from error
    if not parsed.is_finite():
        raise ValueError(value)
    return Fraction(parsed)


def _date(value: str | None) -> date | None:
    if not value:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError(value)
    return date.fromisoformat(value)


def _utc(value: str) -> datetime:
    if not re.match(r"\d{4}-\d\d-\d\d($|[T ])", value, re.ASCII):
        raise ValueError(value)
    parsed = datetime.fromisoformat(value)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def csv_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a policy CSV with a header; a file that is not there has none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [{name: value or "" for name, value in row.items() if name} for row in csv.DictReader(stream)]


def reference_rows(
    reading: Reading, landing: Path, kind: str, needed: set[str], withdrawn: Iterable[str]
) -> Iterator[tuple[str, int, dict[str, str]]]:
    """(path, line that the row begins on, row) of the lexicographically last ``kind*.csv``."""
    files = [
        found
        for found in landing_contents(landing, REFERENCE, withdrawn)
        if found[0].rsplit("/", 1)[-1].lower().startswith(kind) and found[1].startswith("csv")
    ]
    if not files:
        return
    path, file_format, content = files[-1]

    def reject(line: int | None, reason: str) -> None:
        reading.rejected.append(Rejected(REFERENCE, path, line, reason))

    try:
        plain = decompressed(content, file_format).decode("utf-8-sig")
    except (NotParsed, UnicodeDecodeError):
        return reject(None, "unreadable_file")
    rows = csv.reader(io.StringIO(plain, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = rows.line_num + 1
        try:
            cells = [cell.strip() for cell in next(rows)]
        except StopIteration:
            break
        except csv.Error:
            if header is None:
                return reject(None, "broken_csv")
            reject(line, "broken_csv")
            continue
        if not any(cells):
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            named = [cell for cell in header if cell]
            if not needed <= set(header) or len(set(named)) < len(named):
                return reject(None, "missing_or_doubled_columns")
        elif len(cells) < len(header) or any(cells[len(header) :]):
            reject(line, "wrong_number_of_values")
        else:
            yield path, line, dict(zip(header, cells, strict=False))
    return None if header else reject(None, "empty_file")


def read_reference(reading: Reading, landing: Path, policy: Policy, withdrawn: Iterable[str]) -> None:
    """INPUTS: the rows in force, checked one by one; a refused row is listed with file and row."""

    def reject(path: str, place: int, reason: str) -> None:
        reading.rejected.append(Rejected(REFERENCE, path, place, reason))

    columns = {"account_id", "currency_code"}
    for path, place, row in reference_rows(reading, landing, "accounts", columns, withdrawn):
        if not row["account_id"] or row["account_id"] in reading.accounts:
            reject(path, place, "missing_or_repeated_account_id")
        elif row["currency_code"] not in policy.minor_units:
            reject(path, place, "unknown_currency")
        else:
            reading.accounts[row["account_id"]] = row["currency_code"]

    columns = {"site_id", "account_id", "time_zone", "listening_enabled", "effective_at"}
    for path, place, row in reference_rows(reading, landing, "sites", columns, withdrawn):
        listening = truth(row["listening_enabled"])
        try:
            effective_at = _utc(row["effective_at"])
        except ValueError:
            reject(path, place, "invalid_effective_at")
            continue
        rows = reading.sites.get(row["site_id"], [])
        if not row["site_id"] or not row["account_id"]:
            reject(path, place, "missing_id")
        elif row["account_id"] not in reading.accounts:
            reject(path, place, "unknown_account")
        elif not is_accepted_zone(row["time_zone"]):
            reject(path, place, "unknown_time_zone")
        elif listening is None:
            reject(path, place, "invalid_listening_enabled")
        elif any(other.effective_at == effective_at for other in rows):
            reject(path, place, "repeated_site_row")
        else:
            site = SiteRow(row["site_id"], row["account_id"], row["time_zone"], listening, effective_at)
            reading.sites.setdefault(row["site_id"], []).append(site)

    columns = {"contract_id", "account_id", "rate_plan_id", "starts_on", "ends_on", "functions_over_cap"}
    for path, place, row in reference_rows(reading, landing, "contracts", columns, withdrawn):
        try:
            starts_on, ends_on = _date(row["starts_on"]), _date(row["ends_on"])
            terms_days = int(row["payment_terms_days"]) if row.get("payment_terms_days") else None
        except ValueError:
            reject(path, place, "invalid_date")
            continue
        plan = policy.plans.get(row["rate_plan_id"])
        over_cap = (row["functions_over_cap"] or "charge").lower()
        if not row["contract_id"] or any(c.contract_id == row["contract_id"] for c in reading.contracts):
            reject(path, place, "missing_or_repeated_contract_id")
        elif row["account_id"] not in reading.accounts:
            reject(path, place, "unknown_account")
        elif plan is None:
            reject(path, place, "unknown_rate_plan")
        elif plan.currency_code != reading.accounts[row["account_id"]]:
            reject(path, place, "other_currency")
        elif starts_on is None or (ends_on is not None and ends_on <= starts_on):
            reject(path, place, "invalid_dates")
        elif over_cap not in ("charge", "suspended"):
            reject(path, place, "invalid_functions_over_cap")
        else:
            contract = Contract(
                row["contract_id"], row["account_id"], row["rate_plan_id"], starts_on, ends_on,
                over_cap, row.get("purchase_order") or None, terms_days,
            )  # fmt: skip
            if any(
                other.account_id == contract.account_id
                and (other.ends_on is None or starts_on < other.ends_on)
                and (ends_on is None or other.starts_on < ends_on)
                for other in reading.contracts
            ):
                reject(path, place, "overlapping_contract")
            else:
                reading.contracts.append(contract)

    contracts = {contract.contract_id: contract for contract in reading.contracts}
    columns = {"credit_id", "contract_id", "usage_period", "amount", "currency_code", "approved_by"}
    seen: set[str] = set()
    for path, place, row in reference_rows(reading, landing, "credits", columns, withdrawn):
        try:
            amount, usage_period = number(row["amount"]), month_of(row["usage_period"])
        except ValueError:
            reject(path, place, "invalid_credit")
            continue
        known = contracts.get(row["contract_id"])
        if not row["credit_id"] or row["credit_id"] in seen:
            reject(path, place, "missing_or_repeated_credit_id")
        elif known is None:
            reject(path, place, "unknown_contract")
        elif row["currency_code"] != reading.accounts[known.account_id]:
            reject(path, place, "other_currency")
        elif amount is None or amount <= 0 or amount != rounded(amount, policy.minor_units[row["currency_code"]]):
            reject(path, place, "invalid_amount")
        elif not row["approved_by"]:
            reject(path, place, "not_approved")
        else:
            seen.add(row["credit_id"])
            reading.credits.append(
                Credit(row["credit_id"], row["contract_id"], usage_period, amount, row["currency_code"])
            )


# --- policy (SPEC section 7) ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    rate_plan_id: str
    currency_code: str
    platform_user_limit: int | None
    listening_grain: str  # dar, conversation_dar
    stub_allowance: str  # full, days


@dataclass(frozen=True)
class Charge:
    """One row of rate_plan_charges.csv: the terms of a charge on [effective_from, effective_to)."""

    rate_plan_id: str
    charge_id: str
    meter: str
    charge_model: str
    included_quantity: Fraction = Fraction(0)
    block_size: Fraction = Fraction(1)
    credits_per_block: Fraction | None = None
    price_per_block: Fraction = Fraction(0)
    rounding: str | None = None
    minimum_amount: Fraction | None = None
    maximum_amount: Fraction | None = None
    price_basis: str | None = None
    effective_from: date = date.min
    effective_to: date = date.max

    def covers(self, day: date) -> bool:
        return self.effective_from <= day < self.effective_to


@dataclass(frozen=True)
class Tier:
    """One row of rate_plan_tiers.csv; tier_from excluded, tier_to included, None without end."""

    charge_id: str
    tier_from: Fraction
    tier_to: Fraction | None
    unit_price: Fraction
    flat_price: Fraction = Fraction(0)
    effective_from: date = date.min
    effective_to: date = date.max

    def covers(self, day: date) -> bool:
        return self.effective_from <= day < self.effective_to


@dataclass
class Policy:
    plans: dict[str, Plan] = field(default_factory=dict)
    charges: list[Charge] = field(default_factory=list)
    tiers: list[Tier] = field(default_factory=list)
    plan_channels: set[tuple[str, str]] = field(default_factory=set)
    channels: dict[str, str] = field(default_factory=dict)
    kind_counts: dict[str, bool] = field(default_factory=dict)
    trigger_counts: dict[str, bool] = field(default_factory=dict)
    audience_reaches_consumer: dict[str, bool] = field(default_factory=dict)
    minor_units: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    repriced: set[date] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)


def read_policy(folder: Path) -> Policy:
    """The policy rows; empty = not stated."""
    policy = Policy()

    def rows(name: str) -> list[dict[str, str]]:
        return csv_rows(folder / f"{name}.csv")

    for row in rows("rate_plans"):
        limit = number(row["platform_user_limit"])
        policy.plans[row["rate_plan_id"]] = Plan(
            row["rate_plan_id"], row["currency_code"], None if limit is None else int(limit),
            row["listening_grain"] or "dar", row["stub_allowance"] or "full",
        )  # fmt: skip
    for row in rows("rate_plan_charges"):
        policy.charges.append(
            Charge(
                row["rate_plan_id"],
                row["charge_id"],
                row["meter"],
                row["charge_model"],
                number(row["included_quantity"]) or Fraction(0),
                number(row["block_size"]) or Fraction(1),
                number(row["credits_per_block"]),
                number(row["price_per_block"]) or Fraction(0),
                row["rounding"] or None,
                number(row["minimum_amount"]),
                number(row["maximum_amount"]),
                row["price_basis"] or None,
                _date(row["effective_from"]) or date.min,
                _date(row["effective_to"]) or date.max,
            )
        )
    for row in rows("rate_plan_tiers"):
        policy.tiers.append(
            Tier(
                row["charge_id"],
                number(row["tier_from"]) or Fraction(0),
                number(row["tier_to"]),
                number(row["unit_price"]) or Fraction(0),
                number(row["flat_price"]) or Fraction(0),
                _date(row["effective_from"]) or date.min,
                _date(row["effective_to"]) or date.max,
            )
        )
    policy.plan_channels = {(row["rate_plan_id"], row["channel"]) for row in rows("rate_plan_channels")}
    policy.channels = {row["source"]: row["channel"] for row in rows("channels")}
    policy.kind_counts = {row["sender_kind"]: bool(truth(row["counts"])) for row in rows("activity_rules")}
    policy.trigger_counts = {row["trigger"]: bool(truth(row["counts"])) for row in rows("trigger_rules")}
    # R1 names the one audience that excludes the consumer; the file, where a house has it, may name more.
    policy.audience_reaches_consumer = {"AGENTS_AND_MANAGERS": False} | {
        row["audience"]: bool(truth(row["reaches_consumer"])) for row in rows("message_audiences")
    }
    policy.minor_units = {row["currency_code"]: int(row["minor_units"]) for row in rows("currencies")}
    policy.settings = {row["setting"]: row["value"] for row in rows("settings")}
    policy.repriced = {month_of(row["usage_period"]) for row in rows("repricing")}
    policy.withdrawn = {row["path"] for row in rows("withdrawals")}
    return policy


# --- everything ----------------------------------------------------------------------------------------------


def read(landing: Path, policy: Policy, pseudonym_key: bytes | None = None) -> Reading:
    """All feeds of a landing folder. With a key, consumer ids are HMAC-SHA256 in lower-case hex (SPEC 6)."""

    def stored_consumer(participant: str | None) -> str | None:
        if pseudonym_key is None or participant is None:
            return participant
        return hmac.new(pseudonym_key, participant.encode(), hashlib.sha256).hexdigest()

    reading = Reading()
    read_reference(reading, landing, policy, policy.withdrawn)
    for feed in (MESSAGING, FUNCTIONS, USERS):
        reading.rejected += unknown_files(landing, feed)
        for path, file_format, content in landing_contents(landing, feed, policy.withdrawn):
            for place, record, digest in json_records(reading, feed, path, file_format, content):
                try:
                    if feed == MESSAGING:
                        conversation, rejected = read_conversation(path, place, record, digest, stored_consumer)
                        reading.conversations.append(conversation)
                        reading.rejected.extend(rejected)
                    elif feed == FUNCTIONS:
                        reading.invocations.append(read_invocation(path, place, record))
                    else:
                        snapshot, rejected = read_snapshot(path, place, record, digest)
                        reading.snapshots.append(snapshot)
                        reading.rejected.extend(rejected)
                except NotParsed as error:
                    reading.rejected.append(Rejected(feed, path, place, str(error), digest))
    return reading
