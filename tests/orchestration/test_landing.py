"""Landing files to raw tables: every quirk and damage, identity, transactions, pseudonyms and privacy."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard

from orchestration import batch_reading, landing, manifest
from orchestration.batch import Batch
from orchestration.batch_reading import BatchReader
from orchestration.files import find_files, read_lines, scan
from orchestration.landing import load_landing
from orchestration.settings import LedgerError, Settings, connect, parse_period

MESSAGING = "messaging_interactions"
AT = 1760000000000
TEXT = "2016-08-29 14:30:24.565+0000"
TEXT_AT = datetime(2016, 8, 29, 14, 30, 24, 565000, UTC)
MIB = 1 << 20
RAW_KEYS = {
    "conversations": "site_id, conversation_id, source, status, started_at, ended_at, is_partial, "
    "has_repeated_message_ids, record_index",
    "messages": "messages.site_id, conversation_id, message_index, message_id, participant_id, sent_at, sender_side, "
    "audience, message_source, record_index",
    "agent_participants": "site_id, conversation_id, agent_id, user_type, listed_at",
    "consumer_participants": "site_id, conversation_id, participant_id, listed_at",
    "cobrowse_sessions": "site_id, conversation_id, session_index, session_id, started_at, interactive_at, "
    "is_interactive, record_index",
}


def message(number: int, **more: Any) -> dict[str, Any]:
    return {
        "messageId": f"m{number}", "participantId": "c1", "timeL": AT + number, "sentBy": "Consumer",
        "audience": "ALL", "messageData": {"msg": {"text": "secret words"}}, **more,
    }  # fmt: skip


def conversation(number: int, **more: Any) -> dict[str, Any]:
    return {
        "info": {
            "conversationId": f"k{number}", "brandId": "s1", "source": "SHARK", "status": "OPEN", "startTimeL": AT,
            "endTimeL": -1, "isPartial": False,
        },
        "messageRecords": [message(1), message(2, sentBy="agent", participantId="a1")],
        "agentParticipants": [{"agentId": "a1", "userType": "1", "timeL": AT}],
        "consumerParticipants": [{"participantId": "c1", "timeL": AT, "firstName": "Secret"}],
        **more,
    }  # fmt: skip


def page(*conversations: Any, **more: Any) -> dict[str, Any]:
    return {"_metadata": {"count": len(conversations)}, "conversationHistoryRecords": list(conversations), **more}


def invocation(number: int, **more: Any) -> dict[str, Any]:
    return {
        "accountId": "s1", "functionUuid": "f1", "invocationId": f"i{number}", "timestampL": AT, "trigger": "EVENT",
        "state": "SUCCEEDED", **more,
    }  # fmt: skip


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


def lines(*values: Any) -> bytes:
    return b"".join((value if isinstance(value, bytes) else dump(value)) + b"\n" for value in values)


class House:
    """A home folder and its warehouse."""

    def __init__(self, home: Path, key: bytes | None = None, memory: str | None = None) -> None:
        self.settings = Settings(home, datetime(2026, 11, 20, tzinfo=UTC), key, memory)
        self.connection = connect(self.settings)
        self.log: list[str] = []

    def put(self, name: str, data: bytes, feed: str = MESSAGING) -> Path:
        path = self.settings.landing / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def load(self, feed: str = MESSAGING) -> landing.FeedSummary:
        self.log.clear()
        return next(one for one in load_landing(self.connection, self.settings, self.log.append) if one.feed == feed)

    def rows(self, sql: str) -> list[tuple]:
        return self.connection.execute(sql).fetchall()

    def rejected(self) -> list[tuple]:
        return self.rows(
            "select record_index, item_index, record_kind, reason from raw.rejected_records order by all nulls first"
        )

    def everything(self) -> dict[str, list[tuple]]:
        """The raw rows by the last path of their content, without surrogates."""
        paths = "(select content_id, max(path) as path from raw.landing_files group by content_id)"
        return {
            table: self.rows(
                f"select path, {keys} from raw.{table} join {paths} using (content_id) "
                + ("" if "session" in table or table == "conversations" else
                   "join (select conversation_copy_id, site_id, conversation_id, record_index from raw.conversations) "
                   "as conversations using (conversation_copy_id) ")
                + "order by all"
            )
            for table, keys in RAW_KEYS.items()
        } | {
            "rejected": self.rows(
                "select path, record_index, item_index, record_kind, reason, record_hash "
                f"from raw.rejected_records join {paths} using (content_id) order by all"
            ),
            "contents": self.rows(
                "select path, files.feed, format, files.sha256, records, rejects, first_instant_at, last_instant_at "
                "from raw.landing_files as files join raw.landing_contents using (content_id) order by all"
            ),
        }

    def check_accounts(self) -> None:
        """C6 at the door: what a content's manifest row says is what is in the tables."""
        counted = " union all ".join(
            f"select content_id from raw.{table}"
            for table in ("messages", "cobrowse_sessions", "function_invocations", "platform_users",
                          "support_case_events", "rejected_records")
        )  # fmt: skip
        assert (
            self.rows(
                "select path, records, found from raw.landing_files join raw.landing_contents using (content_id) "
                f"left join (select content_id, count(*) as found from ({counted}) group by 1) using (content_id) "
                "where records <> coalesce(found, 0)"
            )
            == []
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- the payload and its quirks -------------------------------------------------------------------


def test_the_public_sample_page_loads_as_it_is(house: House) -> None:
    sample = Path(__file__).parents[1] / "fixtures" / "messaging_interactions_page.json"
    house.put("page.json", sample.read_bytes())
    summary = house.load()
    assert (summary.files, summary.new, summary.records, summary.rejects) == (1, 1, 6, 0)
    assert house.rows("select count(*), min(sent_at), max(sent_at) from raw.messages") == [
        (4, datetime(2016, 8, 29, 15, 14, 19, 564000, UTC), datetime(2017, 10, 24, 10, 24, 52, 962000, UTC))
    ]
    assert house.rows("select is_interactive, interactive_at, started_at is not null from raw.cobrowse_sessions") == [
        (True, None, True), (True, None, True),
    ]  # fmt: skip
    assert house.rows("select agent_id, user_type from raw.agent_participants") == [("3677470410", 1)]
    assert house.rows("select search_count, page_records, is_partial_result from raw.pages") == [(1, 1, False)]
    house.check_accounts()


INSTANTS = [
    (1472481024565, None, TEXT_AT),
    ("1472481024565", "2001-01-01 00:00:00.000+0000", TEXT_AT),
    (1472481024565.0, None, TEXT_AT),
    (1.472481024565e12, None, TEXT_AT),
    (None, TEXT, TEXT_AT),
    ("undefined", TEXT, TEXT_AT),
    ("", TEXT.replace("+0000", "Z").replace(" ", "T"), TEXT_AT),
    ("soon", "2016-08-29 16:30:24.565+0200", TEXT_AT),
    ({}, TEXT, TEXT_AT),
    (True, TEXT, TEXT_AT),
    ("nan", TEXT, TEXT_AT),
    (None, "undefined", None),
    (None, "infinity", None),
    (None, "2016-08-29", None),
    (None, "2016-08-29 14:30:24.565", None),  # an instant without a zone is none
    (None, "2016-02-30 14:30:24.565+0000", None),
    (0, TEXT, datetime(1970, 1, 1, tzinfo=UTC)),
    (-1, TEXT, datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)),
    (1472481024, TEXT, datetime(1970, 1, 18, 1, 1, 21, 24000, UTC)),
    (1e300, TEXT, datetime(9999, 12, 31, 23, 59, 59, 999000, UTC)),
    ("-99999999999999999999", TEXT, datetime(1, 1, 1, tzinfo=UTC)),
    (-(10**18), TEXT, datetime(1, 1, 1, tzinfo=UTC)),
]


def test_an_instant_is_the_l_field_else_its_text_twin(house: House) -> None:
    messages = [message(place, timeL=leaf, time=text) for place, (leaf, text, _) in enumerate(INSTANTS)]
    house.put("a.jsonl", lines(conversation(1, messageRecords=messages)))
    house.load()
    assert [at for (at,) in house.rows("select sent_at from raw.messages order by message_index")] == [
        expected for _, _, expected in INSTANTS
    ]
    assert house.rejected() == []


def test_missing_words_are_missing_and_sides_and_sources_are_read_as_meant(house: House) -> None:
    info = {"conversationId": 7, "brandId": "s1", "source": "undefined", "status": "null", "endTimeL": AT}
    house.put(
        "a.jsonl",
        lines(
            {
                "info": info,
                "messageRecords": [
                    message(1, sentBy="CONSUMER", audience="null", source="SMS"),
                    message(2, sentBy="Agent", participantId="undefined"),
                    message(2, sentBy="undefined", audience="AGENTS_AND_MANAGERS"),
                    message(3, sentBy=None, audience={"a": 1}, source=["x"]),
                ],
            },
            conversation(2, messageRecords=[message(1, source="SMS")]),
        ),
    )
    house.load()
    assert house.rows("select source, status, ended_at is not null, is_partial, has_repeated_message_ids from "
                      "raw.conversations order by conversation_id") == [
        (None, None, True, None, True), ("SHARK", "OPEN", False, False, False),
    ]  # fmt: skip
    assert house.rows(
        "select message_index, participant_id, sender_side, audience, message_source from raw.messages "
        "join raw.conversations using (conversation_copy_id) where conversation_id = '7' order by 1"
    ) == [
        (1, "c1", "consumer", None, "SMS"), (2, None, "agent", "ALL", None),
        (3, "c1", None, "AGENTS_AND_MANAGERS", None), (4, "c1", None, None, None),
    ]  # fmt: skip
    assert house.rows("select message_source from raw.messages "
                      "join raw.conversations using (conversation_copy_id) where conversation_id = 'k2'") == [(None,)]


def test_participants_of_both_spellings_and_agents_of_known_kind(house: House) -> None:
    agents = [
        ("a0", {"userType": 0}, 0), ("a1", {"userType": "1", "userTypeName": "Bot"}, 1), ("a2", {"userType": 2}, 2),
        ("a3", {"userTypeName": "BOT"}, 2), ("a4", {"userType": "undefined", "userTypeName": "human"}, 1),
        ("a5", {"userType": 9, "userTypeName": "Human"}, None), ("a6", {}, None), ("undefined", {"userType": 1}, None),
        ("a7", {"userType": None, "userTypeName": "System"}, 0),
    ]  # fmt: skip
    house.put(
        "a.jsonl",
        lines(
            conversation(
                1,
                agentParticipants=[{"agentId": agent, **more} for agent, more, _ in agents] + ["x", None, {}],
                consumerParticipants=[{"participantId": "c1"}, {"participantId": "c1", "time": TEXT}, {}, 5],
                consumerParticipant=[{"participantId": "c2", "timeL": AT}],
            ),
            conversation(2, agentParticipants={}, consumerParticipants="undefined"),
        ),
    )
    house.load()
    assert house.rows("select agent_id, user_type from raw.agent_participants order by 1") == [
        (agent, kind) for agent, _, kind in sorted(agents) if kind is not None
    ]
    assert house.rows("select participant_id, listed_at from raw.consumer_participants order by all") == [
        ("c1", TEXT_AT), ("c1", None), ("c2", datetime.fromtimestamp(AT / 1000, UTC)),
    ]  # fmt: skip
    assert house.rejected() == []


def test_cobrowse_sessions(house: House) -> None:
    sessions = [
        ({"interactiveTimeL": AT, "isInteractive": True}, AT, True),
        ({"interactiveTimeL": "undefined", "interactiveTime": TEXT, "interactive": "True"}, 1472481024565, True),
        ({"interactiveTimeL": 0, "interactiveTime": TEXT, "isInteractive": False, "interactive": True}, None, True),
        ({"interactiveTimeL": "-1", "interactiveTime": TEXT}, None, False),
        ({"isInteractive": "false", "interactive": None}, None, False),
    ]
    listed = [{"sessionId": f"v{place}", "startTimeL": AT, **more} for place, (more, _, _) in enumerate(sessions)]
    house.put("a.jsonl", lines(conversation(1, coBrowseSessions={"coBrowseSessionsList": listed})))
    house.load()
    assert house.rows(
        "select epoch_ms(interactive_at), is_interactive from raw.cobrowse_sessions order by session_index"
    ) == [(at, interactive) for _, at, interactive in sessions]
    house.check_accounts()


def test_invocations_snapshots_and_case_events(house: House) -> None:
    counts = [(None, None, False), ("undefined", None, False), (5, 5, True), ("5", 5, True), ("3.0", 3, True),
              (2.5, None, True), (0, 0, True), (-1, -1, True), ({}, None, True), ("x", None, True),
              (10**30, None, True)]  # fmt: skip
    house.put(
        "a.jsonl", lines(*(invocation(place, count=count) for place, (count, _, _) in enumerate(counts))),
        "function_invocations",
    )  # fmt: skip
    house.put("one.json", dump(invocation(99, functionUuid={"a": 1})), "function_invocations")
    users = [{"id": 1, "userTypeId": 1, "isEnabled": True, "deleted": False, "email": "x"},
             {"id": "u2", "userTypeId": "2", "isEnabled": "FALSE"}, {"id": "u3", "userTypeId": 7}]  # fmt: skip
    house.put("a.json", dump({"accountId": "s1", "snapshotTimeL": AT, "users": users}), "platform_users")
    house.put("b.jsonl", lines({"accountId": "s2", "snapshotTimeL": AT, "users": []}), "platform_users")
    house.put(
        "a.jsonl", lines({"caseId": "q", "accountId": "s1", "event": "OPENED", "timestampL": AT}), "support_cases"
    )
    house.load()
    assert house.rows(
        "select invocation_count, is_count_stated from raw.function_invocations where invocation_id <> 'i99' "
        "order by record_index"
    ) == [(count, stated) for _, count, stated in counts]
    assert house.rows("select function_id from raw.function_invocations where invocation_id = 'i99'") == [(None,)]
    assert house.rows(
        "select user_id, user_type, is_enabled, is_deleted from raw.platform_users order by user_index"
    ) == [
        ("1", 1, True, False), ("u2", 2, False, None), ("u3", None, None, None),
    ]  # fmt: skip
    assert house.rows("select site_id from raw.platform_user_snapshots order by 1") == [("s1",), ("s2",)]
    assert house.rows("select case_id, event from raw.support_case_events") == [("q", "OPENED")]
    assert house.rejected() == []
    house.check_accounts()


# --- damage ---------------------------------------------------------------------------------------

DAMAGED_LINES = {
    "truncated": (dump(conversation(9))[:-9], "line", "broken_json"),
    "typographic quotes": (dump(conversation(9)).replace(b'"', "\u201c".encode(), 2), "line", "broken_json"),
    "two on one line": (dump(conversation(9)) * 2, "line", "more_than_one_object"),
    "invalid UTF-8": (dump(conversation(9)).replace(b"secret", b"\xff"), "line", "invalid_utf8"),
    "NUL byte": (dump(conversation(9)).replace(b"secret", b"\0"), "line", "broken_json"),
    "deep nesting": (b'{"info":' + b"[" * 10000 + b"]" * 10000 + b"}", "conversation", "info_not_an_object"),
    "too deep nesting": (b'{"info":' + b"[" * 100001 + b"]" * 100001 + b"}", "line", "too_deeply_nested"),
    "a text": (b'"x"', "conversation", "not_an_object"),
    "a list": (dump([conversation(9)]), "conversation", "not_an_object"),
    "null": (b"null", "conversation", "not_an_object"),
    "nothing in it": (b"{}", "conversation", "missing_conversation_id"),
    "info a list": (dump(conversation(9, info=[])), "conversation", "info_not_an_object"),
    "no id": (dump(conversation(9, info={"brandId": "s1"})), "conversation", "missing_conversation_id"),
    "id undefined": (
        dump(conversation(9, info={"brandId": "s1", "conversationId": "undefined"})),
        "conversation",
        "missing_conversation_id",
    ),
    "id an object": (
        dump(conversation(9, info={"brandId": "s1", "conversationId": {"a": 1}})),
        "conversation",
        "unusable_conversation_id",
    ),
    "id with NUL": (
        dump(conversation(9, info={"brandId": "s1", "conversationId": "a\0"})),
        "conversation",
        "unusable_conversation_id",
    ),
    "no site": (dump(conversation(9, info={"conversationId": "k9"})), "conversation", "missing_site_id"),
    "site a list": (
        dump(conversation(9, info={"conversationId": "k9", "brandId": [1]})), "conversation", "unusable_site_id",
    ),
    "messages an object": (dump(conversation(9, messageRecords={})), "conversation", "message_records_not_a_list"),
    "messages a text": (dump(conversation(9, messageRecords="x")), "conversation", "message_records_not_a_list"),
}  # fmt: skip


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_damaged_line_is_one_reject_and_its_neighbours_load(house: House, end: bytes) -> None:
    written, expected = [], []
    for place, (bad, kind, reason) in enumerate(DAMAGED_LINES.values()):
        written += [dump(conversation(place)), b"", b" \t", bad]
        expected.append((4 * place + 4, None, kind, reason, hashlib.sha256(bad).hexdigest()))
    house.put("a.jsonl", end.join(written))
    house.put("b.jsonl", lines(conversation(99)))
    house.load()
    assert expected == house.rows(
        "select record_index, item_index, record_kind, reason, record_hash from raw.rejected_records order by 1"
    )
    assert house.rows("select record_index from raw.conversations where conversation_id <> 'k99' order by 1") == [
        (4 * place + 1,) for place in range(len(DAMAGED_LINES))
    ]
    house.check_accounts()


@pytest.mark.parametrize(
    ("items", "reasons"),
    [
        (["x"], ["message_not_an_object"]),
        ([None, [1]], ["message_not_an_object", "message_not_an_object"]),
        ([{"timeL": 1}], ["missing_message_id"]),
        ([message(5, messageId="")], ["missing_message_id"]),
        ([message(5, messageId={"a": 1}), message(6, messageId=["x"])], ["unusable_message_id"] * 2),
        ([message(5, messageId="a\0b")], ["unusable_message_id"]),
        ([message(5, messageId="\ud83d")], ["unusable_message_id"]),
    ],
)
def test_a_damaged_message_is_one_reject_and_its_siblings_load(
    house: House, items: list[Any], reasons: list[str]
) -> None:
    data = dump(conversation(1, messageRecords=[message(1), *items, message(2)]))
    house.put("a.jsonl", data)
    house.put("p.json", dump(page(conversation(7), json.loads(data))))
    house.load()
    expected = [(place + 2, "message", reason) for place, reason in enumerate(reasons)]
    for record, file_format in ((1, "jsonl"), (2, "json")):
        assert (
            house.rows(
                "select item_index, record_kind, reason from raw.rejected_records join raw.landing_contents "
                f"using (content_id) where format = '{file_format}' and record_index = {record} order by 1"
            )
            == expected
        )
        assert house.rows(
            "select message_id, message_index from raw.messages join raw.landing_contents using (content_id) "
            f"where format = '{file_format}' and conversation_copy_id % 16777216 = {record} order by 2"
        ) == [("m1", 1), ("m2", 2 + len(items))]
    digest = hashlib.sha256(json.dumps(items[0]).encode("utf-8", "surrogatepass")).hexdigest()
    assert {row[0] for row in house.rows("select record_hash from raw.rejected_records where item_index = 2")} == {
        digest
    }
    house.check_accounts()


def test_damaged_sessions_invocations_users_and_events(house: House) -> None:
    house.put(
        "a.jsonl",
        lines(
            conversation(1, coBrowseSessions={"coBrowseSessionsList": [{"sessionId": "v"}, {}, 5, {"sessionId": [1]}]}),
            conversation(2, coBrowseSessions={"coBrowseSessionsList": {}}),
            conversation(3, coBrowseSessions="x"),
            conversation(4, coBrowseSessions=[]),
            conversation(5, coBrowseSessions={}),
            conversation(6, coBrowseSessions=None),
        ),
    )
    house.load()
    assert house.rejected() == [
        (1, 2, "cobrowse_session", "missing_session_id"),
        (1, 3, "cobrowse_session", "cobrowse_session_not_an_object"),
        (1, 4, "cobrowse_session", "unusable_session_id"),
        (2, None, "cobrowse_session", "cobrowse_sessions_not_a_list"),
        (3, None, "cobrowse_session", "cobrowse_sessions_not_an_object"),
    ]
    assert house.rows("select count(*) from raw.messages") == [(12,)]
    house.put(
        "a.jsonl",
        lines(invocation(1), invocation(2, invocationId=None), invocation(3, accountId={"a": 1}), b"{", [1]),
        "function_invocations",
    )
    house.put("a.json", b"{", "function_invocations")
    good = {"accountId": "s1", "snapshotTimeL": AT, "users": [{"id": "u"}]}
    house.put(
        "a.jsonl",
        lines(
            good, {**good, "users": None}, {**good, "users": {}}, {**good, "accountId": ""},
            {**good, "users": [1, {"id": None}, {"id": "u"}, {"id": {}}]},
        ),
        "platform_users",
    )  # fmt: skip
    house.put("a.jsonl", lines({"accountId": "s1"}, {"caseId": "q"}), "support_cases")
    house.load()
    found = house.rows(
        "select feed, record_index, item_index, record_kind, reason from raw.rejected_records "
        "join raw.landing_contents using (content_id) where feed <> 'messaging_interactions' order by all nulls first"
    )
    assert found == [
        ("function_invocations", None, None, "invocation", "broken_json"),
        ("function_invocations", 2, None, "invocation", "missing_invocation_id"),
        ("function_invocations", 3, None, "invocation", "unusable_site_id"),
        ("function_invocations", 4, None, "line", "broken_json"),
        ("function_invocations", 5, None, "invocation", "not_an_object"),
        ("platform_users", 2, None, "snapshot", "missing_users"),
        ("platform_users", 3, None, "snapshot", "users_not_a_list"),
        ("platform_users", 4, None, "snapshot", "missing_site_id"),
        ("platform_users", 5, 1, "user", "user_not_an_object"),
        ("platform_users", 5, 2, "user", "missing_user_id"),
        ("platform_users", 5, 4, "user", "unusable_user_id"),
        ("support_cases", 1, None, "case_event", "missing_case_id"),
        ("support_cases", 2, None, "case_event", "missing_site_id"),
    ]
    house.check_accounts()


BROKEN_PAGES = {
    "truncated": (dump(page(conversation(1)))[:-20], "broken_json"),
    "garbage after it": (dump(page(conversation(1))) + b" x", "broken_json"),
    "concatenated": (dump(page(conversation(1))) + b"\n" + dump(page(conversation(2))), "more_than_one_object"),
    "concatenated with an empty one": (dump(page(conversation(1))) + b"{}", "more_than_one_object"),
    "empty": (b"", "empty_file"),
    "blank": (b" \n", "empty_file"),
    "a list": (dump([page(conversation(1))]), "not_an_object"),
    "one conversation": (dump(conversation(1)), "missing_conversation_records"),
    "list is an object": (dump({"conversationHistoryRecords": {}}), "conversation_records_not_a_list"),
    "invalid UTF-8": (dump(page(conversation(1))).replace(b"secret", b"\xff"), "invalid_utf8"),
    "byte order mark": (b"\xef\xbb\xbf" + dump(page(conversation(1))), "byte_order_mark"),
    "UTF-16": (dump(page(conversation(1))).decode().encode("utf-16"), "not_utf8"),
    "deep nesting": (b'{"x":' + b"[" * 10000, "broken_json"),
    "too deep nesting": (b'{"x":' + b"[" * 100001, "too_deeply_nested"),
}


@pytest.mark.parametrize("damage", BROKEN_PAGES)
def test_a_broken_page_is_one_reject_and_other_pages_load(house: House, damage: str) -> None:
    data, reason = BROKEN_PAGES[damage]
    house.put("b.json", data)
    for name, number in (("a.json", 11), ("c.json", 12)):
        house.put(name, dump(page(conversation(number))))
    house.load()
    assert house.rejected() == [(None, None, "page", reason)]
    assert house.rows("select record_hash from raw.rejected_records") == [(hashlib.sha256(data).hexdigest(),)]
    assert house.rows("select conversation_id from raw.conversations order by 1") == [("k11",), ("k12",)]
    assert house.rows("select count(*) from raw.pages") == [(2,)]
    house.check_accounts()


def test_bad_records_of_a_page_are_rejected_one_by_one_and_empty_pages_are_pages(house: House) -> None:
    partial = {"shardsStatusResult": {"partialResult": True}, "count": "5", "self": {"href": "/a?offset=50&limit=50"}}
    house.put(
        "a.json",
        dump(page(conversation(1), "x", conversation(2, messageRecords=5), conversation(3), None, _metadata=partial)),
    )
    house.put("b.json", dump(page(_metadata={"count": 5, "self": {"href": "/a?limit=50&offset=0"}})))
    house.put("c.json", b'{"conversationHistoryRecords": []}')
    house.load()
    assert house.rejected() == [
        (2, None, "conversation", "not_an_object"),
        (3, None, "conversation", "message_records_not_a_list"),
        (5, None, "conversation", "not_an_object"),
    ]
    pages = house.rows(
        "select search_key, search_count, page_records, is_partial_result from raw.pages order by content_id"
    )
    assert pages[0][1:] == (5, 5, True) and pages[1][1:] == (5, 0, False) and pages[2] == (None, None, 0, False)
    assert pages[0][0] == pages[1][0] == hashlib.sha256(b"/a?limit=50").hexdigest()
    house.check_accounts()


def test_files_that_are_no_records_are_one_reject_each(house: House, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "a.jsonl").write_bytes(lines(conversation(66)))
    good = lines(conversation(1))
    folder = house.put("a.jsonl", good).parent
    house.put("sub/deep/b.jsonl", lines(conversation(2)))
    house.put("empty.jsonl", b"")
    house.put("blank.jsonl", b"\n \r\n\n")
    for name in (".hidden.jsonl", "half.jsonl.tmp", "old.jsonl~", ".git/x.jsonl"):
        house.put(name, good)
    house.put("notes.txt", b"secret")
    house.put("utf16.jsonl", good.decode().encode("utf-16"))
    packed = gzip.compress(good)
    house.put("cut.jsonl.gz", packed[:-9])
    house.put("tail.jsonl.gz", packed + b"junk")
    house.put("plain.jsonl.gz", good)
    house.put("none.jsonl.gz", b"")
    house.put("cut.jsonl.zst", zstandard.compress(good)[:-5])
    house.put("gz.jsonl.zst", packed)
    (folder / "link.jsonl").symlink_to(outside / "a.jsonl")
    (folder / "folder").symlink_to(outside)
    (folder / "nowhere.jsonl").symlink_to(folder / "nothing.jsonl")
    (folder / "itself.jsonl").symlink_to(folder / "itself.jsonl")
    (folder / "inside.jsonl").symlink_to(folder / "sub" / "deep" / "b.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    house.put("x.jsonl", good, "unknown_feed")
    summary = house.load()
    found = dict(house.rows("select path, reason from raw.landing_files join raw.rejected_records using (content_id)"))
    assert {path.removeprefix(MESSAGING + "/"): reason for path, reason in found.items()} == {
        "notes.txt": "unknown_file_type",
        "utf16.jsonl": "not_utf8",
        "cut.jsonl.gz": "cannot_be_decompressed",
        "tail.jsonl.gz": "cannot_be_decompressed",
        "plain.jsonl.gz": "cannot_be_decompressed",
        "none.jsonl.gz": "cannot_be_decompressed",
        "cut.jsonl.zst": "cannot_be_decompressed",
        "gz.jsonl.zst": "cannot_be_decompressed",
        "link.jsonl": "outside_landing",
        "folder": "outside_landing",
        "nowhere.jsonl": "unreadable_file",
        "itself.jsonl": "unreadable_file",
        "pipe.jsonl": "not_a_regular_file",
    }
    assert house.rows("select conversation_id from raw.conversations order by 1") == [("k1",), ("k2",)]
    assert any("unknown_feed" in line for line in house.log)
    assert house.rows("select max(path) from raw.landing_files where path like '%deep%'") == [
        (f"{MESSAGING}/sub/deep/b.jsonl",)
    ]
    assert summary.rejects == 13
    before = house.everything()
    again = house.load()
    assert again.records == 0 and house.everything() == before
    house.check_accounts()


def test_file_names_are_data(house: House) -> None:
    names = ["it's.jsonl", 'a"b.jsonl', "star*[x]?.jsonl", "{{ 7*7 }}.jsonl", "line\nbreak.jsonl",
             "a;drop table x.jsonl", "key=value.jsonl", "s3:x.jsonl", "=HYPERLINK(1).jsonl",
             "\u00fc\u4e2d.jsonl", "UP.JSONL"]  # fmt: skip
    for number, name in enumerate(names):
        house.put(name, lines(conversation(number)))
    raw = os.fsencode(house.settings.landing / MESSAGING) + b"/\xff.jsonl"
    Path(os.fsdecode(raw)).write_bytes(lines(conversation(99)))
    house.load()
    expected = {f"{MESSAGING}/{name}": f"k{number}" for number, name in enumerate(names)}
    expected[f"{MESSAGING}/\\xff.jsonl"] = "k99"
    assert (
        dict(
            house.rows("select path, conversation_id from raw.landing_files join raw.conversations using (content_id)")
        )
        == expected
    )
    assert house.rejected() == [] and all("\n" not in line for line in house.log)


def test_a_home_with_wildcards_in_its_name(tmp_path: Path) -> None:
    house = House(tmp_path / "it's a *[home]* {x}")
    house.put("a.jsonl", lines(conversation(1)))
    house.put("b.json", dump(page(conversation(2))))
    house.load()
    assert house.rows("select conversation_id from raw.conversations order by 1") == [("k1",), ("k2",)]


def test_compressed_files_of_every_kind(house: House) -> None:
    data, paged = lines(conversation(1), b"", conversation(2)), dump(page(conversation(3)))
    house.put("a.jsonl.gz", gzip.compress(data) + gzip.compress(lines(conversation(4))))
    house.put("a.jsonl.zst", zstandard.compress(lines(conversation(5))) + zstandard.compress(lines(conversation(6))))
    house.put("b.json.gz", gzip.compress(paged))
    house.put("b.json.zst", zstandard.compress(dump(page(conversation(7)))))
    house.put("c.jsonl.gz", gzip.compress(b""))
    house.load()
    assert house.rejected() == []
    assert house.rows("select conversation_id, record_index from raw.conversations order by 1") == [
        ("k1", 1), ("k2", 3), ("k3", 1), ("k4", 4), ("k5", 1), ("k6", 2), ("k7", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("memory", [None, "1GB"])
def test_large_records_load_and_too_large_ones_are_rejected(
    tmp_path: Path, memory: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path, memory=memory)
    large = conversation(2, sdes={"x": "y" * (50 * MIB)})
    house.put("a.jsonl", lines(conversation(1), large, conversation(3)))
    house.put("b.json", dump(page(conversation(4), conversation(5, sdes={"x": "y" * (20 * MIB)}))))
    house.put("c.json.gz", gzip.compress(dump(page(conversation(6, sdes={"x": "y" * (20 * MIB)}))), 1))
    house.load()
    assert house.rejected() == []
    assert house.rows("select count(distinct conversation_id) from raw.conversations") == [(6,)]
    monkeypatch.setattr(batch_reading, "_object_ceiling", lambda _: 10 * MIB)
    house.put("d.jsonl", lines(conversation(7), large, conversation(8)))
    house.put("e.json", dump(page(conversation(9, sdes={"x": "z" * (20 * MIB)}))))
    house.put("f.jsonl.gz", gzip.compress(lines(conversation(10), large), 1))
    house.load()
    assert house.rejected() == [
        (None, None, "page", "object_too_large"), (2, None, "line", "object_too_large"),
        (2, None, "line", "object_too_large"),
    ]  # fmt: skip
    assert house.rows("select distinct record_hash from raw.rejected_records where record_index = 2") == [
        (hashlib.sha256(dump(large)).hexdigest(),)
    ]
    assert house.rows("select count(*) from raw.conversations") == [(9,)]
    house.check_accounts()


# --- one reading, whichever way -------------------------------------------------------------------


def test_the_second_reading_reads_as_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = Path(__file__).parents[1] / "fixtures" / "messaging_interactions_page.json"
    odd = conversation(
        1,
        info={"conversationId": 12.50, "brandId": 123456789012345678901234567890, "startTimeL": "1e12",
              "isPartial": "True"},
        messageRecords=[message(1, timeL=1.5e12), message(2, messageId=2, participantId=-0.0), message(3, timeL=True),
                        message(4, messageId=1e25), message(5, messageId=False)],
        coBrowseSessions={"coBrowseSessionsList": [{"sessionId": 5, "interactive": 1}]},
    )  # fmt: skip
    doubled = dump(conversation(3)).replace(b'"messageId": "m1"', b'"messageId": "m1", "messageId": "other"')
    houses = []
    for name in ("first", "second"):
        house = House(tmp_path / name)
        house.put("a.jsonl", lines(odd, conversation(2), doubled))
        house.put("b.json", sample.read_bytes())
        if name == "second":

            def refuse(self: Any, jobs: list[Any]) -> set[int]:
                return {job.number for job in jobs}

            monkeypatch.setattr(BatchReader, "_read_with_duckdb", refuse)
        house.load()
        houses.append(house)
    assert houses[0].everything() == houses[1].everything()
    assert houses[0].rows("select * exclude (content_id) from raw.pages") == houses[1].rows(
        "select * exclude (content_id) from raw.pages"
    )


def test_what_duckdb_drops_but_json_allows_is_loaded(house: House) -> None:
    half = b'{"x": "\\ud83d", ' + dump(conversation(1))[1:]
    house.put("a.jsonl", half + b"\n" + dump(conversation(2)))
    house.put("b.json", dump(page(json.loads(half))))
    braces = conversation(3, messageRecords=[message(1, messageId="{{ 7*7 }}", participantId="[x]")])
    braces["info"]["conversationId"] = "{guid}"
    house.put("c.jsonl", lines(braces))
    house.load()
    assert house.rejected() == []
    assert house.rows("select count(*) from raw.conversations") == [(4,)]
    assert house.rows("select message_id, participant_id from raw.messages "
                      "join raw.conversations using (conversation_copy_id) where conversation_id = '{guid}'") == [
        ("{{ 7*7 }}", "[x]")
    ]


def test_many_small_files_keep_their_own_places(house: House) -> None:
    for number in range(300):
        good = [conversation(number * 10 + place) for place in range(number % 4)]
        house.put(f"f{number:03}.jsonl", lines(*good, b"{broken", b"", conversation(number * 10 + 9)))
    summary = house.load()
    assert (summary.new, summary.rejects) == (300, 300)
    assert house.rows(
        "select count(*) from raw.conversations join raw.landing_files using (content_id) where record_index <> "
        "case when conversation_id like '%9' then substr(path, -9, 3)::integer % 4 + 3 "
        "else substr(conversation_id, -1)::integer + 1 end or not starts_with(conversation_id, "
        "'k' || case when substr(path, -9, 3) = '000' then '' else ltrim(substr(path, -9, 3), '0') end)"
    ) == [(0,)]
    assert house.rows(
        "select count(*) from raw.rejected_records join raw.landing_files using (content_id) "
        "where record_index <> substr(path, -9, 3)::integer % 4 + 1"
    ) == [(0,)]
    house.check_accounts()


def test_order_and_batches_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"{name}.jsonl": lines(conversation(number), b"{", conversation(number + 1)) for number, name in
             enumerate("abcdef")} | {"p.json": dump(page(conversation(1), 5)), "q.json": b"{"}  # fmt: skip
    at_once, piecemeal = House(tmp_path / "once"), House(tmp_path / "piecemeal")
    for name, data in files.items():
        at_once.put(name, data)
    at_once.load()
    monkeypatch.setattr(landing, "BATCH_FILES", 2)
    for name, data in reversed(files.items()):
        piecemeal.put(name, data)
        piecemeal.load()
    assert at_once.everything() == piecemeal.everything()


# --- identity and transactions --------------------------------------------------------------------


def test_a_content_is_parsed_once_however_many_paths_carry_it(house: House) -> None:
    data = lines(conversation(1), b"{broken")
    first = house.put("a.jsonl", data)
    house.put("b.jsonl", data)
    assert house.load().records == 3
    assert house.rows("select count(*), count(distinct content_id) from raw.landing_files") == [(2, 1)]
    house.put("c/d.jsonl", data)
    summary = house.load()
    assert (summary.records, summary.new, summary.unchanged) == (0, 1, 2)
    first.rename(first.with_name("z.jsonl"))
    summary = house.load()
    assert (summary.records, summary.removed) == (0, 1)
    assert house.rows("select count(*) from raw.conversations") == [(1,)]
    os.utime(first.with_name("z.jsonl"), ns=(1, 1))
    assert house.load().records == 0
    assert house.rows("select mtime_ns from raw.landing_files where path like '%/z.jsonl'") == [(1,)]
    (house.settings.landing / MESSAGING / "z.jsonl").unlink()
    shutil.rmtree(house.settings.landing / MESSAGING / "c")
    house.load()
    assert house.rows("select count(*) from raw.conversations") == [(1,)]
    (house.settings.landing / MESSAGING / "b.jsonl").unlink()
    assert house.load().removed == 1
    assert house.everything() == {name: [] for name in house.everything()}


def test_a_file_of_another_type_with_the_same_bytes_is_another_content(house: House) -> None:
    house.put("a.jsonl", dump(invocation(1)), "function_invocations")
    house.put("a.json", dump(invocation(1)), "function_invocations")
    house.load()
    assert house.rows("select count(*) from raw.function_invocations") == [(2,)]


def test_a_corrected_file_replaces_the_damaged_one(house: House) -> None:
    house.put("a.jsonl", lines(conversation(1), b"{broken"))
    house.put("b.jsonl", lines(conversation(3)))
    house.load()
    house.put("a.jsonl", lines(conversation(1), conversation(2)))
    summary = house.load()
    assert (summary.new, summary.unchanged, summary.records) == (1, 1, 4)
    assert house.rejected() == []
    assert house.rows("select conversation_id from raw.conversations order by 1") == [("k1",), ("k2",), ("k3",)]


def test_contents_that_swap_their_paths_are_kept(house: House) -> None:
    one, two = lines(conversation(1)), lines(conversation(2))
    house.put("a.jsonl", one)
    house.put("b.jsonl", two)
    house.load()
    before = house.rows("select sha256, content_id from raw.landing_contents order by 1")
    house.put("a.jsonl", two)
    house.put("b.jsonl", one)
    assert house.load().records == 0
    assert house.rows("select sha256, content_id from raw.landing_contents order by 1") == before
    assert house.rows("select path, conversation_id from raw.landing_files join raw.conversations using (content_id) "
                      "order by 1") == [(f"{MESSAGING}/a.jsonl", "k2"), (f"{MESSAGING}/b.jsonl", "k1")]  # fmt: skip


def test_a_content_dropped_and_wanted_again_in_one_run_is_parsed_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing, "BATCH_FILES", 1)
    house.put("a.jsonl", lines(conversation(1)))
    house.load()
    house.put("a.jsonl", lines(conversation(2)))
    house.put("b.jsonl", lines(conversation(1)))
    house.load()
    assert house.rows("select path, conversation_id from raw.landing_files join raw.conversations using (content_id) "
                      "order by 1") == [(f"{MESSAGING}/a.jsonl", "k2"), (f"{MESSAGING}/b.jsonl", "k1")]  # fmt: skip


def test_another_loader_version_parses_everything_anew(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.put("a.jsonl", lines(conversation(1)))
    house.load()
    before = house.everything()
    monkeypatch.setattr(manifest, "LOADER_VERSION", "next")
    assert house.load().records == 2
    assert house.everything() == before
    assert house.rows("select loader_version from raw.landing_contents") == [("next",)]


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = house.put("a.jsonl", lines(conversation(1)))
    house.put("b.jsonl", lines(conversation(2)))
    real = BatchReader.read

    def read(self: Any, jobs: list[Any]) -> None:
        real(self, jobs)
        path.write_bytes(lines(conversation(1), conversation(3)))

    with monkeypatch.context() as patched:
        patched.setattr(BatchReader, "read", read)
        summary = house.load()
    assert summary.left == 1 and any("a.jsonl changed" in line for line in house.log)
    assert house.rows("select conversation_id from raw.conversations") == [("k2",)]
    house.load()
    assert house.rows("select conversation_id from raw.conversations order by 1") == [("k1",), ("k2",), ("k3",)]


@pytest.mark.parametrize("statement", ["_write_rows", "_write_paths"])
def test_a_failure_leaves_nothing_half_done(house: House, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    house.put("a.jsonl", lines(conversation(1), b"{"))
    house.load()
    before = house.everything()
    house.put("a.jsonl", lines(conversation(2)))
    real = getattr(Batch, statement)

    def fail(self: Any, *arguments: Any) -> None:
        real(self, *arguments)
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Batch, statement, fail)
        with pytest.raises(OSError, match="No space"):
            house.load()
    assert house.everything() == before
    assert list(house.settings.temporary.glob("landing-*")) == []
    house.load()
    assert house.rows("select conversation_id from raw.conversations") == [("k2",)]


def test_first_and_last_instants_leave_implausible_ones_out(house: House) -> None:
    messages = [message(place, timeL=at) for place, at in enumerate((AT, 0, -5, "x", 1e30, AT - 1000, 946684799999))]
    sessions = {"coBrowseSessionsList": [{"sessionId": "v", "startTimeL": AT + 5000}]}
    house.put("a.jsonl", lines(conversation(1, messageRecords=messages, coBrowseSessions=sessions)))
    house.load()
    assert house.rows("select epoch_ms(first_instant_at), epoch_ms(last_instant_at) from raw.landing_contents") == [
        (AT - 1000, AT + 5000)
    ]


# --- pseudonyms and privacy -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", [b"short", b"k" * 64, b"a key longer than a block of SHA-256 " * 3, "schl\u00fcssel".encode()]
)
def test_consumer_ids_are_stored_as_hmac_and_agents_as_they_are(tmp_path: Path, key: bytes) -> None:
    house = House(tmp_path, key)
    house.put(
        "a.jsonl",
        lines(
            conversation(
                1,
                messageRecords=[
                    message(1, participantId="c1"), message(2, participantId="a1", sentBy="Agent"),
                    message(3, participantId="c1", sentBy="Agent"),
                    message(4, participantId="\\x41 \u00fc", sentBy="x"),
                    message(5, participantId=None), message(6, participantId="c2", sentBy="AGENT"),
                ],
                consumerParticipant=[{"participantId": "c2"}],
            )
        ),
    )  # fmt: skip
    house.load()

    def pseudonym(text: str) -> str:
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    assert house.rows("select participant_id from raw.messages order by message_index") == [
        (pseudonym("c1"),), ("a1",), (pseudonym("c1"),), (pseudonym("\\x41 \u00fc"),), (None,), (pseudonym("c2"),),
    ]  # fmt: skip
    assert sorted(house.rows("select participant_id from raw.consumer_participants")) == sorted(
        [(pseudonym("c1"),), (pseudonym("c2"),)]
    )
    assert house.rows("select agent_id from raw.agent_participants") == [("a1",)]
    assert key not in repr(house.settings).encode()


def test_another_key_or_none_stops_the_run_before_anything_is_written(tmp_path: Path) -> None:
    house = House(tmp_path, b"one")
    house.put("a.jsonl", lines(conversation(1)))
    house.load()
    before = house.everything()
    house.put("b.jsonl", lines(conversation(2)))
    for key in (b"two", None):
        house.settings = Settings(tmp_path, house.settings.as_of, key)
        with pytest.raises(LedgerError, match="LEDGER_PSEUDONYM_KEY") as caught:
            house.load()
        assert "one" not in str(caught.value).split() and house.everything() == before
    house.settings = Settings(tmp_path, house.settings.as_of, b"one")
    assert house.load().records == 2


def test_an_empty_warehouse_takes_the_present_key_and_one_without_refuses_a_new_one(tmp_path: Path) -> None:
    house = House(tmp_path, b"one")
    house.load()
    house.settings = Settings(tmp_path, house.settings.as_of)
    house.put("a.jsonl", lines(conversation(1)))
    house.load()
    house.settings = Settings(tmp_path, house.settings.as_of, b"two")
    with pytest.raises(LedgerError, match="without a LEDGER_PSEUDONYM_KEY"):
        house.load()


def test_nothing_personal_is_kept_outside_landing(tmp_path: Path) -> None:
    canary = "Kanarienvogel77"
    house = House(tmp_path)
    info = {"conversationId": "k1", "brandId": "s1", "latestAgentFullName": canary, "source": {"x": canary}}
    damaged = conversation(2, messageRecords=[message(1, messageId={"x": canary}, audience={"x": canary}), canary])
    full = conversation(
        1, info=info, monitoring={"ipAddress": canary}, summary={"text": canary},
        messageRecords=[message(1, messageData={"msg": {"text": canary}}, participantId=[canary])],
        agentParticipants=[{"agentId": {"x": canary}, "userType": 1, "agentFullName": canary}],
        consumerParticipants=[{"participantId": "c1", "email": canary, "phone": canary}],
    )  # fmt: skip
    house.put("a.jsonl", lines(full, damaged, dump(full)[:-5], {"info": canary}))
    house.put("b.json", dump(page(full, damaged)))
    house.put("c.json", dump(page(full))[:-3])
    house.put(
        "u.json", dump({"accountId": "s1", "users": [{"id": {"x": canary}, "fullName": canary}]}), "platform_users"
    )
    house.put("f.jsonl", lines(invocation(1, functionUuid={"x": canary}, trigger=[canary])), "function_invocations")
    house.put("s.jsonl", lines({"caseId": "q", "accountId": "s1", "severity": {"x": canary}}), "support_cases")
    house.load()
    for (table,) in house.rows("select table_name from information_schema.tables where table_schema = 'raw'"):
        assert canary not in repr(house.rows(f"select * from raw.{table}")), table
    assert canary not in "\n".join(house.log)
    house.connection.close()
    for path in tmp_path.rglob("*"):
        if path.is_file() and house.settings.landing not in path.parents:
            assert canary.encode() not in path.read_bytes(), path


# --- settings, bytes ------------------------------------------------------------------------------


def test_settings_are_read_once_and_refuse_what_cannot_be_meant(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"LEDGER_HOME": str(tmp_path), "LEDGER_AS_OF": "2026-11-20T13:00:00+01:00", "LEDGER_PSEUDONYM_KEY": "",
         "LEDGER_MEMORY_LIMIT": "2GB"}
    )  # fmt: skip
    assert settings.as_of == datetime(2026, 11, 20, 12, tzinfo=UTC) and settings.pseudonym_key is None
    assert settings.landing == tmp_path / "landing" and settings.memory_limit == "2GB"
    for name, value in (("LEDGER_AS_OF", "2026-11-20T12:00:00"), ("LEDGER_AS_OF", "now"), ("LEDGER_MEMORY_LIMIT", "2'"),
                        ("LEDGER_MEMORY_LIMIT", "999999999TB"), ("LEDGER_HOME", "what?"), ("LEDGER_HOME", "/\udcff"),
                        ("LEDGER_ENGINE", "sparc")):  # fmt: skip
        with pytest.raises(LedgerError, match=name):
            Settings.from_environment({name: value})
    assert Settings.from_environment({"LEDGER_PSEUDONYM_KEY": "\udcffk"}).pseudonym_key == b"\xffk"  # bytes, not text
    for text in ("2026-13", "2026", "26-01", "", None, "2026-1", "9999-12", "0001-01", "\u0662026-01"):
        with pytest.raises(LedgerError, match="YYYY-MM"):
            parse_period(text)
    connection = connect(settings)
    assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)


def test_lines_and_scans_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.files.CHUNK", 7)
    folder = tmp_path / MESSAGING
    folder.mkdir()
    for data in (b"", b"\n", b"a", b"a\n", b"a\nb", b"\n\na\r\n\nbb", b"x" * 50 + b"\n" + b"y" * 30, b"ab\n" * 40):
        (folder / "a.jsonl").write_bytes(data)
        (folder / "b.jsonl.gz").write_bytes(gzip.compress(data))
        for file in find_files(tmp_path, MESSAGING, print):
            scanned = scan(file)
            expected = data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]
            found = list(read_lines(file, 40))
            assert scanned.size == len(data) and scanned.lines == len(expected) and scanned.problem is None
            assert scanned.longest_line >= max((len(line) for line in expected), default=0)
            assert scanned.sha256 == hashlib.sha256(file.location.read_bytes()).hexdigest()
            assert [number for number, _, _ in found] == list(range(1, len(expected) + 1))
            for (_, line, digest), whole in zip(found, expected, strict=True):
                if len(whole) > 40:
                    assert line is None and digest == hashlib.sha256(whole).hexdigest()
                else:
                    assert line == whole.removesuffix(b"\r") and digest is None
