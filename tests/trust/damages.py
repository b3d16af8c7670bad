"""Kinds of damage to event files, each generated from good payloads: the damaged files, and the same files with nothing
in them but what must still count.

Each kind has conversations, consumers and invocations of its own (all named after it), so that all kinds can lie in one
landing folder and each still be told apart in what is billed. Reference files: damaged_rows.py.
"""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import zstandard
from oracle.build import conversation, invocation, message, millis, user

Record = dict[str, Any]
Reject = tuple[int | None, int | None, str]  # line (or index), item, reason
CHAT, CALLS, USERS, CASES = "messaging_interactions", "function_invocations", "platform_users", "support_cases"
AT = millis("2026-03-10 12:00")
SECOND = 1000
LARGE = 50 << 20
MARKER = "CONTENT-NEVER-STORED"


@dataclass(frozen=True)
class Damage:
    """A kind of damage: what arrives, what of it counts, and what is listed as rejected."""

    name: str
    files: dict[str, bytes]
    counts: dict[str, bytes] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()
    is_conflict: bool = False

    @property
    def pattern(self) -> str:
        """Its files as SQL's LIKE finds them."""
        return f"%/{self.name}.%"


def talk(name: str, number: int = 1) -> Record:
    """A good conversation of one consumer: a consumer's message, an agent's and an interactive session."""
    key = f"{name}-{number}"
    session = {"sessionId": f"{key}-s", "startTimeL": AT, "interactiveTimeL": AT + SECOND, "isInteractive": True}
    return conversation(
        key,
        [message("m1", AT, who=f"{key}-k", messageData={"msg": {"text": MARKER}}),
         message("m2", AT + SECOND, "Agent", time="2026-03-10 12:00:02.005+0000")],
        consumers=(f"{key}-k",), sessions=[session],
    )  # fmt: skip


def call(name: str, number: int = 1, **more: Any) -> Record:
    """A good invocation."""
    return invocation(f"{name}-{number}", AT + number, **more)


def case(name: str, number: int = 1) -> Record:
    """A good event of a support case."""
    return {"caseId": f"{name}-{number}", "accountId": "s1", "openedBy": "CUSTOMER", "severity": "1",
            "channel": "WEB", "event": "OPENED", "timestampL": AT, "scope": "COVERED"}  # fmt: skip


def lines(*records: Record | str | bytes, end: bytes = b"\n") -> bytes:
    """A .jsonl; texts and bytes stand as they are."""
    return b"".join(
        (part if isinstance(part, bytes) else (part if isinstance(part, str) else json.dumps(part)).encode()) + end
        for part in records
    )


def page(*records: Record | str, **metadata: Any) -> bytes:
    """A response page."""
    listed = ", ".join(part if isinstance(part, str) else json.dumps(part) for part in records)
    head = json.dumps({"count": len(records), **metadata})
    return f'{{"_metadata": {head}, "conversationHistoryRecords": [{listed}]}}'.encode()


def with_path(record: Record, path: tuple[Any, ...], value: Any) -> Record:
    """A copy with another value at a path of keys and places; `...` takes the key out."""
    made = copy.deepcopy(record)
    holder = made
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


# --- builders: a good record, the damaged one, a good record ---------------------------------------------------------

Change = Callable[[Record], Record | str | bytes]
GOOD: dict[str, Callable[[str, int], Record]] = {CHAT: talk, CALLS: call, CASES: case}


def in_a_line(
    feed: str, name: str, change: Change, *rejects: tuple[int | None, str], stays: Change | None = None
) -> Damage:
    """Line 2 of three is damaged; `stays` makes what of its record still counts (None: nothing)."""
    make = GOOD[feed]
    first, hurt, last = make(name, 1), make(name, 2), make(name, 3)
    whole = lines(first, change(hurt), last)
    rest = lines(first, *([stays(hurt)] if stays else []), last)
    path = f"{feed}/{name}.jsonl"
    return Damage(name, {path: whole}, {path: rest}, tuple((2, item, reason) for item, reason in rejects))


def chat(name: str, change: Change, *rejects: tuple[int | None, str], stays: Change | None = None) -> Damage:
    return in_a_line(CHAT, name, change, *rejects, stays=stays)


def a_file(name: str, suffix: str, data: bytes, *rejects: Reject, counts: bytes | None = None) -> Damage:
    """A whole file of conversations; `counts` are the lines of a .jsonl that must come of it."""
    kept = {} if counts is None else {f"{CHAT}/{name}.jsonl": counts}
    return Damage(name, {f"{CHAT}/{name}.{suffix}": data}, kept, rejects)


def text_of(record: Record) -> str:
    return json.dumps(record)


def same(record: Record) -> Record:
    return record


def without_message(place: int) -> Change:
    return lambda r: with_path(r, ("messageRecords", place), ...)


def without_session(record: Record) -> Record:
    return with_path(record, ("coBrowseSessions",), ...)


def put(*path_and_value: Any) -> Change:
    *path, value = path_and_value
    return lambda r: with_path(r, tuple(path), value)


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def _bytes_kinds() -> list[Damage]:
    """Files whose bytes are not what their name says."""

    def two(name: str) -> bytes:
        return lines(talk(name, 1), talk(name, 2))

    def zst(data: bytes) -> bytes:
        return zstandard.ZstdCompressor().compress(data)

    def gz(data: bytes) -> bytes:
        return gzip.compress(data, mtime=0)

    broken = (None, None, "cannot_be_decompressed")
    many = lines(*(talk("cut", n) for n in range(200)))
    found = [
        a_file("empty_page", "json", b"", (None, None, "empty_file")),
        a_file("blank_page", "json", b" \n\t ", (None, None, "empty_file")),
        a_file("empty_lines", "jsonl", b"", counts=b""),
        a_file("empty_gz", "jsonl.gz", b"", broken),
        a_file("truncated_gz", "jsonl.gz", gz(many)[:-200], broken),
        a_file("truncated_zst", "jsonl.zst", zst(many)[:-50], broken),
        a_file("gz_named_zst", "jsonl.zst", gz(two("gz_named_zst")), broken),
        a_file("zst_named_gz", "json.gz", zst(page(talk("zst_named_gz"))), broken),
        a_file("plain_named_gz", "jsonl.gz", two("plain_named_gz"), broken),
        a_file("gz_and_garbage", "jsonl.gz", gz(two("gz_and_garbage")) + b"\x99garbage", broken),
        a_file("flipped_gz", "jsonl.gz", _flip(gz(two("flipped_gz"))), broken),
        a_file("gz_members", "jsonl.gz", gz(lines(talk("gz_members", 1))) + gz(lines(talk("gz_members", 2))),
               counts=two("gz_members")),
        a_file("zst_frames", "jsonl.zst", zst(lines(talk("zst_frames", 1))) + zst(lines(talk("zst_frames", 2))),
               counts=two("zst_frames")),
        a_file("utf16", "jsonl", two("utf16").decode().encode("utf-16"), (None, None, "not_utf8")),
        a_file("utf16_page", "json", page(talk("utf16_page")).decode().encode("utf-16-be"),
               (None, None, "broken_json")),
        a_file("marked", "jsonl", b"\xef\xbb\xbf" + two("marked"), (1, None, "byte_order_mark"),
               counts=lines(talk("marked", 2))),
        a_file("marked_page", "json", b"\xef\xbb\xbf" + page(talk("marked_page")), (None, None, "byte_order_mark")),
        a_file("crlf", "jsonl", lines(talk("crlf", 1), talk("crlf", 2), end=b"\r\n"), counts=two("crlf")),
        a_file("cr_alone", "jsonl", lines(talk("cr_alone", 1), talk("cr_alone", 2), end=b"\r"),
               (1, None, "more_than_one_object")),
        a_file("no_last_newline", "jsonl", two("no_last_newline")[:-1], counts=two("no_last_newline")),
        a_file("blank_lines", "jsonl", b"\n \n" + lines(talk("blank_lines", 1), "{", "", talk("blank_lines", 2)),
               (4, None, "broken_json"), counts=two("blank_lines")),
        a_file("a_text_file", "txt", b"hello", (None, None, "unknown_file_type")),
        a_file("a_table", "csv", b"a,b\n1,2\n", (None, None, "unknown_file_type")),
        a_file("an_error_page", "json", b"<html><body>502 Bad Gateway</body></html>", (None, None, "broken_json")),
        a_file("two_pages", "json", page(talk("two_pages")) * 2, (None, None, "more_than_one_object")),
        a_file("cut_page", "json", page(talk("cut_page"))[:-20], (None, None, "broken_json")),
        a_file("page_as_list", "json", b"[" + json.dumps(talk("page_as_list")).encode() + b"]",
               (None, None, "not_an_object")),
        a_file("page_without_records", "json", b'{"_metadata": {"count": 0}}',
               (None, None, "missing_conversation_records")),
        a_file("page_with_a_map", "json", b'{"conversationHistoryRecords": {"0": {}}}',
               (None, None, "conversation_records_not_a_list")),
        a_file("page_with_odd_items", "json", page(talk("page_with_odd_items", 1), "null", "3", '{"info": 4}',
               talk("page_with_odd_items", 2)), (2, None, "not_an_object"), (3, None, "not_an_object"),
               (4, None, "info_not_an_object"), counts=two("page_with_odd_items")),
        a_file("pretty_lines", "jsonl", b'{\n"info": {}\n}\n' + lines(talk("pretty_lines")),
               *((n, None, "broken_json") for n in (1, 2, 3)), counts=lines(talk("pretty_lines"))),
        a_file("page_in_lines", "jsonl", lines(page(talk("page_in_lines", 9)), talk("page_in_lines")),
               (1, None, "missing_conversation_id"), counts=lines(talk("page_in_lines"))),
        a_file("typographic_page", "json", page(talk("typographic_page")).replace(b'"info"', "“info”".encode()),
               (None, None, "broken_json")),
    ]  # fmt: skip
    return found


def _flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 8]) + data[middle + 1 :]


def _syntax_kinds() -> list[Damage]:
    """Lines that are not one JSON object."""
    broken = (None, "broken_json")

    def in_text(old: str, new: str) -> Change:
        return lambda r: text_of(r).replace(old, new, 1)

    return [
        chat("cut", lambda r: text_of(r)[:-40], broken),
        chat("cut_in_key", lambda r: text_of(r)[:12], broken),
        chat("typographic", in_text('"info"', "“info”"), broken),
        chat("single_quotes", lambda r: text_of(r).replace('"', "'"), broken),
        chat("unescaped_quote", in_text(MARKER, 'he said "hi"'), broken),
        chat("invalid_utf8", lambda r: text_of(r).encode().replace(MARKER.encode(), b"caf\xe9"),
             (None, "invalid_utf8")),
        chat("overlong_utf8", lambda r: text_of(r).encode().replace(MARKER.encode(), b"\xc0\xaf"),
             (None, "invalid_utf8")),
        chat("nul_byte", lambda r: text_of(r).encode().replace(MARKER.encode(), b"a\0b"), broken),
        chat("nul_line", lambda r: b"\0" * 4096, broken),
        chat("raw_tab", in_text(MARKER, "a\tb"), broken),
        chat("nested_10000", in_text(f'"{MARKER}"', deep(10_000)), stays=same),
        chat("nested_ids", in_text('"m1"', deep(10_000)), (1, "unusable_message_id"), stays=without_message(0)),
        chat("nested_too_deep", in_text('"m1"', deep(100_001)), (None, "too_deeply_nested")),
        chat("python_literals", lambda r: str(r), broken),
        chat("bare_undefined", in_text(f'"{MARKER}"', "undefined"), broken),
        chat("no_commas", in_text('", "', '" "'), broken),
        chat("a_number", lambda r: "3.5", (None, "not_an_object")),
        chat("a_text", lambda r: json.dumps(MARKER), (None, "not_an_object")),
        chat("a_list", lambda r: "[]", (None, "not_an_object")),
        chat("a_null", lambda r: "null", (None, "not_an_object")),
        chat("two_objects", lambda r: text_of(r) * 2, (None, "more_than_one_object")),
        chat("half_and_whole", lambda r: text_of(r)[:100] + text_of(r), broken),
        chat("large", in_text(MARKER, "x" * LARGE), stays=same),
        chat("escaped", lambda r: text_of(r).replace("m1", "m\\u0031"), stays=same),
        chat("unknown_fields", lambda r: {MARKER: {"a": [1]}} | r, stays=same),
        chat("doubled_field", in_text('"messageRecords"', '"messageRecords": [], "messageRecords"'),
             stays=put("messageRecords", [])),
    ]  # fmt: skip


def _shape_kinds() -> list[Damage]:
    """Objects whose fields have other shapes than they should: each rejects no more than it must."""
    info, first = "info", ("messageRecords", 0)
    session = ("coBrowseSessions", "coBrowseSessionsList", 0)
    found = [
        chat("no_info", put(info, ...), (None, "missing_conversation_id")),
        chat("null_info", put(info, None), (None, "missing_conversation_id")),
        chat("list_info", put(info, [1]), (None, "info_not_an_object")),
        chat("text_info", put(info, MARKER), (None, "info_not_an_object")),
        chat("empty_object", lambda r: {}, (None, "missing_conversation_id")),
        chat("object_messages", put("messageRecords", {"0": 1}), (None, "message_records_not_a_list")),
        chat("text_messages", put("messageRecords", MARKER), (None, "message_records_not_a_list")),
        chat("null_messages", put("messageRecords", None), stays=put("messageRecords", [])),
        chat("no_messages", put("messageRecords", ...), stays=put("messageRecords", [])),
        chat("message_is_text", put(*first, MARKER), (1, "message_not_an_object"), stays=without_message(0)),
        chat("message_is_null", put(*first, None), (1, "message_not_an_object"), stays=without_message(0)),
        chat("message_is_list", put(*first, [1]), (1, "message_not_an_object"), stays=without_message(0)),
        chat("session_holder_is_text", put("coBrowseSessions", MARKER), (None, "cobrowse_sessions_not_an_object"),
             stays=without_session),
        chat("session_list_is_object", put(*session[:2], {}), (None, "cobrowse_sessions_not_a_list"),
             stays=without_session),
        chat("session_is_text", put(*session, MARKER), (1, "cobrowse_session_not_an_object"), stays=without_session),
        chat("agents_are_text", put("agentParticipants", MARKER), stays=put("agentParticipants", [])),
        chat("consumers_are_object", put("consumerParticipants", {"a": 1}), stays=put("consumerParticipants", [])),
        chat("number_ids", lambda r: with_path(with_path(r, (info, "brandId"), "s1"), (*first, "messageId"), 7),
             stays=put(*first, "messageId", "7")),
        chat("text_flags", put(*session, "isInteractive", "TRUE"), stays=same),
        chat("text_instants", put(*first, "timeL", str(AT)), stays=same),
        chat("real_instants", put(*first, "timeL", float(AT)), stays=same),
    ]  # fmt: skip
    for word, value in (("missing", ...), ("undefined", "undefined"), ("null_text", "null"), ("null", None),
                        ("empty", "")):  # fmt: skip
        found.append(chat(f"conversation_id_{word}", put(info, "conversationId", value),
                          (None, "missing_conversation_id")))  # fmt: skip
        found.append(chat(f"site_{word}", put(info, "brandId", value), (None, "missing_site_id")))
        found.append(chat(f"message_id_{word}", put(*first, "messageId", value), (1, "missing_message_id"),
                          stays=without_message(0)))  # fmt: skip
        found.append(chat(f"session_id_{word}", put(*session, "sessionId", value), (1, "missing_session_id"),
                          stays=without_session))  # fmt: skip
    for word, value in (("list", ["a"]), ("object", {"a": 1}), ("nul", "a\0b"), ("surrogate", "a\ud800")):
        found.append(chat(f"conversation_id_{word}", put(info, "conversationId", value),
                          (None, "unusable_conversation_id")))  # fmt: skip
        found.append(chat(f"site_{word}", put(info, "brandId", value), (None, "unusable_site_id")))
        found.append(chat(f"message_id_{word}", put(*first, "messageId", value), (1, "unusable_message_id"),
                          stays=without_message(0)))  # fmt: skip
    return found


def _value_kinds() -> list[Damage]:
    """Records that can be keyed and still cannot be used: rejected in SQL, each by itself."""
    first = ("messageRecords", 0)
    session = ("coBrowseSessions", "coBrowseSessionsList", 0)
    late, instants = "implausible_instant", {
        "seconds": AT // 1000, "epoch": 0, "minus_one": -1, "year_1970": 86_400_000, "year_1999": 946_684_799_999,
        "year_2100": millis("2100-01-01 00:00"), "microseconds": AT * 1000, "nanoseconds": AT * 1_000_000,
        "enormous": 10**30, "exponent": 1.7e40,
    }  # fmt: skip
    found = [
        chat(f"sent_in_{word}", put(*first, "timeL", value), (1, late), stays=without_message(0))
        for word, value in instants.items()
    ]
    for word, value in (("undefined", "undefined"), ("null", None), ("words", "yesterday"), ("a_date", "2026-03-10"),
                        ("list", [AT]), ("true", True), ("hexadecimal", "0x19")):  # fmt: skip
        found.append(chat(f"sent_at_{word}", put(*first, "timeL", value), (1, "no_instant"), stays=without_message(0)))
    found += [
        chat("twin_instead", lambda r: with_path(with_path(r, (*first, "timeL"), "undefined"), (*first, "time"),
             "2026-03-10 12:00:00.000+0000"), stays=same),
        chat("twin_without_zone", lambda r: with_path(with_path(r, (*first, "timeL"), ...), (*first, "time"),
             "2026-03-10 12:00:00"), (1, "no_instant"), stays=without_message(0)),
        chat("sender_missing", put(*first, "sentBy", ...), (1, "unknown_sender"), stays=without_message(0)),
        chat("sender_unknown", put(*first, "sentBy", "Robot"), (1, "unknown_sender"), stays=without_message(0)),
        chat("sender_number", put(*first, "sentBy", 1), (1, "unknown_sender"), stays=without_message(0)),
        chat("unknown_site", put("info", "brandId", "nowhere"), (1, "unknown_site"), (2, "unknown_site"),
             (1, "unknown_site")),
        chat("nobody_known", lambda r: r | {"consumerParticipants": [], "messageRecords": [r["messageRecords"][1]]},
             (1, "no_consumer"), stays=lambda r: r | {"messageRecords": [], "consumerParticipants": []}),
        chat("unknown_channel", put("info", "source", "PIGEON"), stays=put("info", "source", "PIGEON")),
        chat("missing_channel", put("info", "source", "undefined"), stays=put("info", "source", ...)),
        chat("channel_in_lower_case", put("info", "source", "shark"), stays=put("info", "source", "shark")),
        chat("unlisted_agent", put("agentParticipants", []), stays=put("agentParticipants", [])),
        chat("agent_of_unknown_kind", put("agentParticipants", [{"agentId": "a1", "userType": 9}]),
             stays=put("agentParticipants", [])),
        chat("session_starts_nowhere", put(*session, {"sessionId": "starts_nowhere", "startTimeL": "undefined",
             "isInteractive": True, "endTimeL": AT}), (1, "no_instant"), stays=without_session),
        chat("session_in_1970", put(*session, "interactiveTimeL", 1000), (1, late), stays=without_session),
        chat("session_dated_by_start", put(*session, "interactiveTimeL", -1), stays=same),
        in_a_line(CALLS, "call_cut", lambda r: text_of(r)[:-9], (None, "broken_json")),
        in_a_line(CALLS, "call_list", lambda r: [r], (None, "not_an_object")),
        in_a_line(CALLS, "call_without_site", put("accountId", ...), (None, "missing_site_id")),
        in_a_line(CALLS, "call_without_id", put("invocationId", "undefined"), (None, "missing_invocation_id")),
        in_a_line(CALLS, "call_id_list", put("invocationId", [1]), (None, "unusable_invocation_id")),
        in_a_line(CALLS, "call_at_unknown_site", put("accountId", "nowhere"), (None, "unknown_site")),
        in_a_line(CALLS, "call_in_seconds", put("timestampL", AT // 1000), (None, late)),
        in_a_line(CALLS, "call_in_2100", put("timestampL", instants["year_2100"]), (None, late)),
        in_a_line(CALLS, "call_without_time", put("timestampL", ...), (None, "no_instant")),
        in_a_line(CALLS, "call_trigger_unknown", put("trigger", "MOON"), stays=same),
        in_a_line(CALLS, "call_trigger_missing", put("trigger", ...), stays=same),
        in_a_line(CALLS, "call_trigger_lower_case", put("trigger", "event"), stays=same),
        in_a_line(CALLS, "call_trigger_test", put("trigger", "MANUAL_TEST"), stays=put("trigger", "MANUAL_TEST")),
        in_a_line(CALLS, "call_count_text", put("count", "7"), stays=put("count", 7)),
        in_a_line(CALLS, "call_count_undefined", put("count", "undefined"), stays=same),
        in_a_line(CASES, "case_cut", lambda r: text_of(r)[:-9], (None, "broken_json")),
        in_a_line(CASES, "case_without_id", put("caseId", None), (None, "missing_case_id")),
        in_a_line(CASES, "case_site_object", put("accountId", {}), (None, "unusable_site_id")),
        in_a_line(CASES, "case_list", lambda r: [r], (None, "not_an_object")),
        in_a_line(CASES, "case_at_unknown_site", put("accountId", "nowhere"), (None, "unknown_site")),
        in_a_line(CASES, "case_in_seconds", put("timestampL", AT // 1000), (None, late)),
        in_a_line(CASES, "case_in_2100", put("timestampL", instants["year_2100"]), (None, late)),
        in_a_line(CASES, "case_without_time", put("timestampL", ...), (None, "no_instant")),
        in_a_line(CASES, "case_time_text", put("timestampL", str(AT)), stays=same),
        in_a_line(CASES, "case_event_unknown", put("event", "SNEEZED"), (None, "unknown_event")),
        in_a_line(CASES, "case_event_lower_case", put("event", "opened"), (None, "unknown_event")),
        in_a_line(CASES, "case_event_missing", put("event", ...), (None, "unknown_event")),
        in_a_line(CASES, "case_opener_unknown", put("openedBy", "NEIGHBOUR"), (None, "unknown_opener")),
        in_a_line(CASES, "case_opener_missing", put("openedBy", "null"), stays=put("openedBy", ...)),
        in_a_line(CASES, "case_severity_unknown", put("severity", "9"), (None, "unknown_severity")),
        in_a_line(CASES, "case_severity_number", put("severity", 1), stays=same),
        in_a_line(CASES, "case_severity_undefined", put("severity", "undefined"), (None, "no_severity")),
        in_a_line(CASES, "case_scope_unknown", put("scope", "GARDENING"), (None, "unknown_scope")),
        in_a_line(CASES, "case_scope_missing", put("scope", ...), stays=put("scope", "undefined")),
        in_a_line(CASES, "case_scope_change_to_nothing", lambda r: r | {"event": "SCOPE_CHANGED", "scope": None},
                  (None, "no_scope")),
    ]  # fmt: skip
    for word, value in (("negative", -3), ("zero", 0), ("half", 1.5), ("words", "many"), ("enormous", 10**40)):
        found.append(in_a_line(CALLS, f"call_count_{word}", put("count", value), (None, "invalid_count")))
    return found


def _snapshot_kinds() -> list[Damage]:
    """Snapshots of users, each of a site's own instant."""

    def kind(name: str, change: Change, *rejects: Reject, stays: Change | None = None) -> Damage:
        place = sum(map(ord, name)) % 100_000
        good = {"accountId": "s1", "snapshotTimeL": AT + place, "users": [user(f"{name}-{n}") for n in (1, 2)]}
        path = f"{USERS}/{name}.json"
        made = change(good)
        data = made if isinstance(made, bytes) else (made if isinstance(made, str) else json.dumps(made)).encode()
        return Damage(name, {path: data}, {path: json.dumps(stays(good)).encode()} if stays else {}, rejects)

    def of_user(key: str, value: Any) -> Change:
        return put("users", 0, key, value)

    def first_gone(record: Record) -> Record:
        return with_path(record, ("users", 0), ...)

    unknown = [(1, 1, "unknown_site"), (1, 2, "unknown_site")]
    lost = [(1, 1, "implausible_instant"), (1, 2, "implausible_instant")]
    return [
        kind("users_cut", lambda r: text_of(r)[:-5], (None, None, "broken_json")),
        kind("users_twice", lambda r: text_of(r) * 2, (None, None, "more_than_one_object")),
        kind("users_missing", put("users", ...), (1, None, "missing_users")),
        kind("users_object", put("users", {"0": {}}), (1, None, "users_not_a_list")),
        kind("users_site_missing", put("accountId", "null"), (1, None, "missing_site_id")),
        kind("user_id_missing", of_user("id", ...), (1, 1, "missing_user_id"), stays=first_gone),
        kind("user_id_object", of_user("id", {"a": 1}), (1, 1, "unusable_user_id"), stays=first_gone),
        kind("user_is_text", put("users", 0, MARKER), (1, 1, "user_not_an_object"), stays=first_gone),
        kind("user_of_unknown_kind", of_user("userTypeId", 9), stays=first_gone),
        kind("user_enabled_undefined", of_user("isEnabled", "undefined"), stays=first_gone),
        kind("users_at_unknown_site", put("accountId", "nowhere"), *unknown),
        kind("users_in_seconds", put("snapshotTimeL", AT // 1000), *lost),
        kind("users_in_2100", put("snapshotTimeL", millis("2100-01-01 00:00")), *lost),
    ]


def _copy_kinds() -> list[Damage]:
    """The same records again, in one file and in another, equal and contradicting each other."""

    def name_of(number: str, name: str) -> str:
        return f"{CHAT}/{name}.{number}.jsonl"

    def files(name: str, *parts: bytes) -> dict[str, bytes]:
        return {name_of(str(place), name): part for place, part in enumerate(parts)}

    def later(name: str) -> Record:
        return put("messageRecords", 0, "timeL", AT + 500)(talk(name))

    def chatty(name: str) -> Record:
        made = talk(name)
        made["messageRecords"].append(message("m3", AT + 9 * SECOND, who=f"{name}-1-k"))
        return made

    one = {name: lines(talk(name)) for name in ("twice_in_a_file", "twice_in_two", "twice_the_message")}
    doubled = talk("twice_the_message")
    doubled["messageRecords"].append(doubled["messageRecords"][0])
    calls = f"{CALLS}/{{}}.jsonl"
    return [
        Damage("twice_in_a_file", files("twice_in_a_file", one["twice_in_a_file"] * 2),
               files("twice_in_a_file", one["twice_in_a_file"])),
        Damage("twice_in_two", files("twice_in_two", one["twice_in_two"], one["twice_in_two"] + b"\n"),
               files("twice_in_two", one["twice_in_two"])),
        Damage("twice_the_message", files("twice_the_message", lines(doubled)),
               files("twice_the_message", one["twice_the_message"])),
        Damage("grown", files("grown", lines(talk("grown")), lines(chatty("grown"))),
               files("grown", lines(chatty("grown")))),
        Damage("contradicted_in_a_file", files("contradicted_in_a_file", lines(later("contradicted_in_a_file"),
               talk("contradicted_in_a_file"))), files("contradicted_in_a_file", lines(talk("contradicted_in_a_file"))),
               is_conflict=True),
        Damage("contradicted_in_two", files("contradicted_in_two", lines(later("contradicted_in_two")),
               lines(talk("contradicted_in_two"))), files("contradicted_in_two", lines(talk("contradicted_in_two"))),
               is_conflict=True),
        Damage("call_twice", {calls.format("call_twice"): lines(call("call_twice"), call("call_twice"))},
               {calls.format("call_twice"): lines(call("call_twice"))}),
        Damage("call_contradicted", {calls.format("call_contradicted"): lines(call("call_contradicted", count=3),
               call("call_contradicted", count=2))},
               {calls.format("call_contradicted"): lines(call("call_contradicted", count=2))}, is_conflict=True),
    ]  # fmt: skip


DAMAGES = tuple(_bytes_kinds() + _syntax_kinds() + _shape_kinds() + _value_kinds() + _snapshot_kinds() + _copy_kinds())
