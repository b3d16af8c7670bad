"""One record read exactly, in Python: what DuckDB's reader could not make sense of, and why.

DuckDB reads nearly everything; here only the records that it left with holes are read again, to tell a missing
list from a broken one and to name the reason. What is usable comes back as the same projected JSON that DuckDB
would have read, so that one SQL statement writes both into the raw tables. Of doubled keys the first counts, as
in DuckDB. Nothing but the projected fields leaves this module; a rejected record leaves as its hash.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from json.decoder import WHITESPACE, scanstring
from typing import Any

from orchestration.files import UTF8_MARK

TEXT = "VARCHAR"
MESSAGE = dict.fromkeys(("messageId", "participantId", "timeL", "time", "sentBy", "audience", "source"), TEXT)
AGENT = dict.fromkeys(("agentId", "userType", "userTypeName", "timeL", "time"), TEXT)
CONSUMER = dict.fromkeys(("participantId", "timeL", "time"), TEXT)
SESSION = dict.fromkeys(
    ("sessionId", "startTimeL", "startTime", "interactiveTimeL", "interactiveTime", "isInteractive", "interactive"),
    TEXT,
)
INFO = dict.fromkeys(
    ("conversationId", "brandId", "source", "status", "startTimeL", "startTime", "endTimeL", "endTime", "isPartial"),
    TEXT,
)
CONVERSATION = {
    "info": INFO,
    "messageRecords": [MESSAGE],
    "agentParticipants": [AGENT],
    "consumerParticipants": [CONSUMER],
    "consumerParticipant": [CONSUMER],
    "coBrowseSessions": {"coBrowseSessionsList": [SESSION]},
}
PAGE_METADATA = {"count": TEXT, "self": {"href": TEXT}, "shardsStatusResult": {"partialResult": TEXT}}
INVOCATION = dict.fromkeys(
    ("accountId", "functionUuid", "invocationId", "timestampL", "trigger", "state", "count"), TEXT
)
SNAPSHOT = {
    "accountId": TEXT,
    "snapshotTimeL": TEXT,
    "users": [dict.fromkeys(("id", "userTypeId", "isEnabled", "deleted"), TEXT)],
}
CASE_EVENT = dict.fromkeys(
    ("caseId", "accountId", "openedBy", "severity", "channel", "event", "timestampL", "scope", "incidentId"), TEXT
)
PAGE_LIST = "conversationHistoryRecords"
MISSING = ("", "undefined", "null")
RECORDS_IN_HAND = 16 << 20  # characters
REJECTS_IN_HAND = 20_000
MOST_PARTS = 5_000_000  # objects and lists in one JSON object: each is many times its size in memory
MOST_UNUSABLE_ITEMS = 100_000  # of one record: above, the record itself is rejected
DEEPEST = 100_000  # levels of JSON in one record
DEEP_STACK_BYTES = 256 << 20  # reserved, and used only as far as a record is nested

DETAILS = {
    "broken_json": "This is not valid JSON: deliver it again as the API returned it.",
    "too_deeply_nested": "The JSON is nested too deeply to be a record of this feed: deliver it again.",
    "invalid_utf8": "The bytes are not UTF-8: deliver the file again in UTF-8, without conversion.",
    "byte_order_mark": "The file begins with a byte order mark, which JSON does not allow: save it without one.",
    "not_utf8": "The file is in UTF-16: deliver it in UTF-8.",
    "not_an_object": "A JSON object is expected here: deliver the records as the API returned them.",
    "empty_file": "The file is empty: deliver the page again.",
    "more_than_one_object": "There is more after the first JSON object: a .json file holds one object, and so does "
    "each line of a .jsonl file.",
    "object_too_large": "One JSON object is larger than this machine's memory ceiling allows: deliver smaller pages, "
    "or raise LEDGER_MEMORY_LIMIT, delete warehouse.duckdb and run again.",
    "too_many_unusable_items": "More than 100,000 messages, sessions or users of this record cannot be used: deliver "
    "it again.",
    "too_many_records": "The file has more lines than one file may have (16,777,215): split it.",
    "cannot_be_decompressed": "The file is damaged, incomplete or not compressed as its name says: deliver it again.",
    "unknown_file_type": "The name does not end in a type that this folder takes: rename or remove the file.",
    "outside_landing": "The link leads out of the landing folder and was not followed: put the file itself here.",
    "not_a_regular_file": "This is not a file: remove it, or put a file in its place.",
    "unreadable_file": "The file cannot be read: check its permissions and that the link leads somewhere.",
    "missing_conversation_records": "The page has no conversationHistoryRecords: deliver a response page of the "
    "Messaging Interactions API, or one conversation a line as .jsonl.",
    "conversation_records_not_a_list": "conversationHistoryRecords is not a list: deliver the page again.",
    "info_not_an_object": "info is not an object: deliver the conversation again.",
    "missing_conversation_id": "info.conversationId is missing: deliver the conversation again.",
    "unusable_conversation_id": "info.conversationId is not a text or number: deliver the conversation again.",
    "missing_site_id": "The site (info.brandId, accountId) is missing: deliver the record again.",
    "unusable_site_id": "The site (info.brandId, accountId) is not a text or number: deliver the record again.",
    "message_records_not_a_list": "messageRecords is not a list: deliver the conversation again.",
    "message_not_an_object": "The message is not an object: deliver the conversation again.",
    "missing_message_id": "messageId is missing: deliver the conversation again.",
    "unusable_message_id": "messageId is not a text or number: deliver the conversation again.",
    "cobrowse_sessions_not_an_object": "coBrowseSessions is not an object: deliver the conversation again.",
    "cobrowse_sessions_not_a_list": "coBrowseSessionsList is not a list: deliver the conversation again.",
    "cobrowse_session_not_an_object": "The Co-Browse session is not an object: deliver the conversation again.",
    "missing_session_id": "sessionId is missing: deliver the conversation again.",
    "unusable_session_id": "sessionId is not a text or number: deliver the conversation again.",
    "missing_invocation_id": "invocationId is missing: deliver the invocation again.",
    "unusable_invocation_id": "invocationId is not a text or number: deliver the invocation again.",
    "missing_users": "The snapshot has no users list: deliver it again (an empty list means no users).",
    "users_not_a_list": "users is not a list: deliver the snapshot again.",
    "user_not_an_object": "The user is not an object: deliver the snapshot again.",
    "missing_user_id": "The user's id is missing: deliver the snapshot again.",
    "unusable_user_id": "The user's id is not a text or number: deliver the snapshot again.",
    "missing_case_id": "caseId is missing: deliver the event again.",
    "unusable_case_id": "caseId is not a text or number: deliver the event again.",
}


@dataclass(frozen=True)
class Reject:
    """A record that is left out: where it is, why, and the SHA-256 of its bytes. No content."""

    record_index: int | None
    item_index: int | None
    kind: str
    reason: str
    record_hash: str


@dataclass
class Reading:
    """What a second reading found: projected records by index (as JSON text), and rejected ones.

    However many there are, no more are held than there is room for: then `spill` is given them.
    """

    records: list[tuple[int, str]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    metadata: str | None = None  # of a page
    total: int = 0  # records in the page's list
    spill: Callable[[list[tuple[int, str]], list[Reject]], None] | None = None
    size: int = 0  # characters of the records in hand

    def keep(self, index: int, text: str) -> None:
        """Hold a usable record."""
        self.records.append((index, text))
        self.size += len(text)
        self._make_room()

    def refuse(self, rejects: list[Reject]) -> None:
        """Hold rejected records."""
        self.rejects += rejects
        self._make_room()

    def _make_room(self) -> None:
        if self.spill and (self.size > RECORDS_IN_HAND or len(self.rejects) > REJECTS_IN_HAND):
            self.spill(self.records, self.rejects)
            self.records, self.rejects, self.size = [], [], 0


class BrokenError(Exception):
    """JSON that cannot be read; `reason` is the word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sha256(data: bytes) -> str:
    """SHA-256 in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else dict(reversed(pairs))


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 400 else text


def _real(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _refuse(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_first_wins, parse_int=_integer, parse_float=_real, parse_constant=_refuse
)


def _value(text: str, start: int) -> tuple[Any, int]:
    try:
        try:
            return _decoder.scan_once(text, start)
        except RecursionError:
            return _on_a_deep_stack(_decoder.scan_once, text, start)
    except RecursionError as error:
        raise BrokenError("too_deeply_nested") from error
    except (StopIteration, ValueError) as error:
        raise BrokenError("broken_json") from error


def _on_a_deep_stack(task: Callable[..., Any], *arguments: Any) -> Any:
    """The task's result from a thread whose stack holds DEEPEST levels; DuckDB's reader has no limit either."""
    limit, size = sys.getrecursionlimit(), threading.stack_size(DEEP_STACK_BYTES)
    sys.setrecursionlimit(DEEPEST)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(task, *arguments).result()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


def _blank(text: str, start: int) -> int:
    return WHITESPACE.match(text, start).end()


def decode(data: bytes) -> str:
    """The text of a record's bytes; BrokenError for a byte order mark, bytes that are not UTF-8 or too many parts."""
    if data.startswith(UTF8_MARK):
        raise BrokenError("byte_order_mark")
    if len(data) > MOST_PARTS and data.count(b"{") + data.count(b"[") > MOST_PARTS:
        raise BrokenError("object_too_large")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenError("invalid_utf8") from error


def parse(text: str) -> tuple[Any, int]:
    """The one JSON value of a text and where it starts; BrokenError if there is none, or more than one."""
    start = _blank(text, 0)
    value, end = _value(text, start)
    if _blank(text, end) != len(text):
        raise BrokenError("more_than_one_object" if text[_blank(text, end)] == "{" else "broken_json")
    return value, start


def members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """(key, where its value starts) of the object at `start`; the caller sends back where the value ended."""
    place = _blank(text, start + 1)
    if text[place : place + 1] == "}":
        yield "", -1 - (place + 1)
        return
    while True:
        if text[place : place + 1] != '"':
            raise BrokenError("broken_json")
        try:
            key, place = scanstring(text, place + 1, True)
        except ValueError as error:
            raise BrokenError("broken_json") from error
        place = _blank(text, place)
        if text[place : place + 1] != ":":
            raise BrokenError("broken_json")
        place = _blank(text, (yield key, _blank(text, place + 1)))
        closing = text[place : place + 1]
        if closing == "}":
            yield "", -1 - (place + 1)
            return
        if closing != ",":
            raise BrokenError("broken_json")
        place = _blank(text, place + 1)


def elements(text: str, start: int) -> Iterator[tuple[Any, int, int]]:
    """(value, start, end) of each element of the list at `start`; last (None, end of the list, -1)."""
    place = _blank(text, start + 1)
    if text[place : place + 1] == "]":
        yield None, place + 1, -1
        return
    while True:
        value, end = _value(text, place)
        yield value, place, end
        place = _blank(text, end)
        closing = text[place : place + 1]
        if closing == "]":
            yield None, place + 1, -1
            return
        if closing != ",":
            raise BrokenError("broken_json")
        place = _blank(text, place + 1)


def object_spans(text: str, start: int) -> tuple[dict[str, tuple[int, int]], int]:
    """Where each member's value of the object at `start` begins and ends (of doubled keys the first), and its end."""
    spans: dict[str, tuple[int, int]] = {}
    walk = members(text, start)
    key, begin = next(walk)
    while begin >= 0:
        _, end = _value(text, begin)
        spans.setdefault(key, (begin, end))
        key, begin = walk.send(end)
    return spans, -1 - begin


def is_missing(value: Any) -> bool:
    """Whether a field was not stated: absent, null, empty, `undefined` or `null`."""
    return value is None or (isinstance(value, str) and value in MISSING)


def leaf(value: Any) -> Any:
    """A text, number or truth value that can be stored as text; None for anything else (and for text with NUL)."""
    if isinstance(value, str):
        if "\0" in value:
            return None
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
        return value
    return value if isinstance(value, bool | int | float) else None


def project(shape: Any, value: Any) -> Any:
    """The fields of `shape` in `value`, everything else dropped; what has another shape becomes None."""
    if isinstance(shape, dict):
        return {key: project(part, value.get(key)) for key, part in shape.items()} if isinstance(value, dict) else None
    if isinstance(shape, list):
        return [project(shape[0], item) for item in value] if isinstance(value, list) else None
    return leaf(value)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _key_fault(value: Any, name: str) -> str | None:
    if is_missing(value):
        return f"missing_{name}"
    return f"unusable_{name}" if leaf(value) is None else None


@dataclass
class _Judged:
    """A record under judgement: its text for hashes, its place, and the rejects found in it."""

    value: Any
    text: str
    start: int
    index: int
    rejects: list[Reject] = field(default_factory=list)

    def refuse(self, kind: str, reason: str, *path: str) -> None:
        """Reject the whole record, or the part of it that the keys of `path` lead to."""
        begin, end = self._span(path)
        self._reject(kind, reason, None, begin, end)

    def items(self, values: list[Any], kind: str, key: str, name: str, *path: str) -> list[Any]:
        """The items of a list, those without a usable key replaced by None and rejected one by one."""
        faults = [
            _key_fault(item.get(key), name) if isinstance(item, dict) else f"{kind}_not_an_object" for item in values
        ]
        if sum(map(bool, faults)) > MOST_UNUSABLE_ITEMS:
            raise BrokenError("too_many_unusable_items")
        if any(faults):
            for place, (_, begin, end) in enumerate(elements(self.text, self._span(path)[0])):
                if place < len(faults) and faults[place]:
                    self._reject(kind, faults[place], place + 1, begin, end)
        return [None if fault else item for fault, item in zip(faults, values, strict=True)]

    def _span(self, path: tuple[str, ...]) -> tuple[int, int]:
        begin, end = self.start, None
        for key in path:
            begin, end = object_spans(self.text, begin)[0][key]
        return (begin, end) if end is not None else (begin, _value(self.text, begin)[1])

    def _reject(self, kind: str, reason: str, item: int | None, begin: int, end: int) -> None:
        digest = sha256(self.text[begin:end].encode("utf-8", "surrogatepass"))
        self.rejects.append(Reject(self.index, item, kind, reason, digest))


def judge_conversation(record: _Judged) -> dict[str, Any] | None:
    """A conversation record with its unusable messages and sessions taken out; None if all of it is rejected."""
    value = record.value
    if not isinstance(value, dict):
        return record.refuse("conversation", "not_an_object")
    info = value.get("info")
    if not is_missing(info) and not isinstance(info, dict):
        return record.refuse("conversation", "info_not_an_object")
    info = info if isinstance(info, dict) else {}
    fault = _key_fault(info.get("conversationId"), "conversation_id") or _key_fault(info.get("brandId"), "site_id")
    messages = value.get("messageRecords")
    if not fault and not is_missing(messages) and not isinstance(messages, list):
        fault = "message_records_not_a_list"
    if fault:
        return record.refuse("conversation", fault)
    value = dict(value)
    if isinstance(messages, list):
        value["messageRecords"] = record.items(messages, "message", "messageId", "message_id", "messageRecords")
    holder = value.get("coBrowseSessions")
    if isinstance(holder, dict):
        sessions = holder.get("coBrowseSessionsList")
        path = ("coBrowseSessions", "coBrowseSessionsList")
        if isinstance(sessions, list):
            kept = record.items(sessions, "cobrowse_session", "sessionId", "session_id", *path)
            value["coBrowseSessions"] = {"coBrowseSessionsList": kept}
        elif not is_missing(sessions):
            record.refuse("cobrowse_session", "cobrowse_sessions_not_a_list", *path)
    elif not is_missing(holder) and holder != []:
        record.refuse("cobrowse_session", "cobrowse_sessions_not_an_object", "coBrowseSessions")
    return project(CONVERSATION, value)


def judge_snapshot(record: _Judged) -> dict[str, Any] | None:
    """A snapshot of platform users with its unusable users taken out; None if all of it is rejected."""
    value = record.value
    if not isinstance(value, dict):
        return record.refuse("snapshot", "not_an_object")
    users = value.get("users")
    fault = _key_fault(value.get("accountId"), "site_id")
    if not fault and not isinstance(users, list):
        fault = "missing_users" if is_missing(users) else "users_not_a_list"
    if fault:
        return record.refuse("snapshot", fault)
    return project(SNAPSHOT, {**value, "users": record.items(users, "user", "id", "user_id", "users")})


def _judge_flat(kind: str, shape: dict[str, str], **keys: str) -> Callable[[_Judged], dict[str, Any] | None]:
    def judge(record: _Judged) -> dict[str, Any] | None:
        if not isinstance(record.value, dict):
            return record.refuse(kind, "not_an_object")
        for key, name in keys.items():
            fault = _key_fault(record.value.get(key), name)
            if fault:
                return record.refuse(kind, fault)
        return project(shape, record.value)

    return judge


judge_invocation = _judge_flat("invocation", INVOCATION, accountId="site_id", invocationId="invocation_id")
judge_case_event = _judge_flat("case_event", CASE_EVENT, accountId="site_id", caseId="case_id")
Judge = Callable[[_Judged], dict[str, Any] | None]


def _judge_into(reading: Reading, judge: Judge, record: _Judged) -> None:
    usable = judge(record)
    reading.refuse(record.rejects)
    if usable is not None:
        reading.keep(record.index, _dumps(usable))


def read_line(data: bytes, line: int, judge: Judge, reading: Reading) -> None:
    """Judge the record of one line; a line that is not one JSON value is one reject."""
    try:
        text = decode(data)
        value, start = parse(text)
        _judge_into(reading, judge, _Judged(value, text, start, line))
    except BrokenError as error:
        reading.refuse([Reject(line, None, "line", error.reason, sha256(data))])


def read_object(data: bytes, judge: Judge, reading: Reading) -> None:
    """Judge the one record of a .json file. BrokenError if it is not one JSON value."""
    text = decode(data)
    if _blank(text, 0) == len(text):
        raise BrokenError("empty_file")
    value, start = parse(text)
    _judge_into(reading, judge, _Judged(value, text, start, 1))


def read_page(data: bytes, judge: Judge, wanted: set[int] | None, reading: Reading) -> None:
    """Judge the wanted conversations (None: all) of a response page. BrokenError if the page itself is unusable."""
    text = decode(data)
    start = _blank(text, 0)
    if start == len(text):
        raise BrokenError("empty_file")
    if text[start] != "{":
        parse(text)
        raise BrokenError("not_an_object")
    seen: set[str] = set()
    listed = False
    metadata = None
    walk = members(text, start)
    key, begin = next(walk)
    while begin >= 0:
        if key == PAGE_LIST and key not in seen and text[begin : begin + 1] == "[":
            listed = True
            end = begin
            for value, first, last in elements(text, begin):
                if last < 0:
                    end = first
                    break
                reading.total += 1
                if wanted is None or reading.total in wanted:
                    _judge_into(reading, judge, _Judged(value, text, first, reading.total))
        else:
            value, end = _value(text, begin)
            if key == "_metadata" and key not in seen:
                metadata = value
            if key == PAGE_LIST and key not in seen and not is_missing(value):
                raise BrokenError("conversation_records_not_a_list")
        seen.add(key)
        key, begin = walk.send(end)
    rest = _blank(text, -1 - begin)
    if rest != len(text):
        raise BrokenError("more_than_one_object" if text[rest] == "{" else "broken_json")
    if not listed:
        raise BrokenError("missing_conversation_records")
    reading.metadata = _dumps(project(PAGE_METADATA, metadata)) if isinstance(metadata, dict) else None
