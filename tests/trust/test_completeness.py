"""INPUTS.md, completeness: what is missing from the exports is listed, whatever addresses pages state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from models.runner import Scratch
from oracle.build import conversation, message, millis, one_site, write_lines

from trust.damages import AT
from trust.small import Small

# As the public sample page states it: no filter, and an offset.
ADDRESS = "/messaging_history/api/account/s1/conversations/search?limit=2&offset={}"
CHATS = "messaging_interactions"
END = millis("2026-03-31 23:59")


@pytest.fixture
def small(scratch: Scratch, tmp_path: Path) -> Small:
    made = Small.at(scratch, tmp_path)
    one_site(made.settings.landing)
    return made


def chat(name: str, status: str = "CLOSE", *instants: int, **info: Any) -> dict:
    made = conversation(name, [message(f"m{n}", at) for n, at in enumerate(instants)])
    made["info"] |= {"status": status, "startTimeL": instants[0] if instants else AT} | info
    return made


def page(small: Small, name: str, count: int, conversations: list[str], offset: int | None = 0, **more: Any) -> None:
    metadata = {"count": count, "shardsStatusResult": {"partialResult": False}} | more
    if offset is not None:
        metadata["self"] = {"rel": "self", "href": ADDRESS.format(offset)}
    body = {"_metadata": metadata, "conversationHistoryRecords": [chat(each, "CLOSE", AT) for each in conversations]}
    path = small.settings.landing / CHATS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body))


def gaps(small: Small) -> list[tuple]:
    return small.run().rows("select kind, site_id, detail from quality.fct_incomplete_inputs order by all")


def test_pages_of_whole_searches_are_no_gap(small: Small) -> None:
    page(small, "day1_1.json", 3, ["a", "b"])
    page(small, "day1_2.json", 3, ["c"], 2)
    page(small, "day2_1.json", 3, ["d", "e"])
    page(small, "day2_2.json", 3, ["f"], 2)
    page(small, "day2_3.json", 3, [], 4)
    page(small, "again/day1_1.json", 3, ["a", "b"], 0, extra=1)
    page(small, "day3.json", 2, ["g", "h"])
    page(small, "nothing.json", 0, [])
    page(small, "plain1.json", 2, ["i"], None)
    page(small, "plain2.json", 2, ["j"], None)
    assert gaps(small) == []


def test_a_missing_page_is_not_hidden_by_another_search_of_the_same_address(small: Small) -> None:
    page(small, "day1_1.json", 3, ["a", "b"])
    page(small, "day2_1.json", 3, ["d", "e"])
    page(small, "day2_2.json", 3, ["f"], 2)
    page(small, "day3.json", 50, [f"x{n}" for n in range(50)])
    detail = "the 2 searches like that of messaging_interactions/day2_2.json have 6 records, 5 were delivered"
    assert gaps(small) == [("search_not_complete", "s1", detail)]


def test_a_page_without_an_address_is_asked_too(small: Small) -> None:
    page(small, "plain.json", 5, ["a", "b"], None)
    page(small, "other/plain.json", 5, ["c", "d", "e"], None)
    page(small, "empty.json", 7, [], 0)
    found = gaps(small)
    assert [detail for _, _, detail in found] == [
        "the search of messaging_interactions/empty.json has 7 records, 0 were delivered",
        "the search of messaging_interactions/other/plain.json has 5 records, 3 were delivered",
        "the search of messaging_interactions/plain.json has 5 records, 2 were delivered",
    ]
    assert {site for _, site, _ in found} == {"s1"}


def test_partial_results_and_conversations_are_listed(small: Small) -> None:
    page(small, "part.json", 1, ["a"], 0, shardsStatusResult={"partialResult": "true"})
    write_lines(small.settings.landing, f"{CHATS}/lines.jsonl", [chat("b", "CLOSE", AT, isPartial=True)])
    assert [(kind, detail.split(" says")[0]) for kind, _, detail in gaps(small)] == [
        ("partial_conversation", "conversation b in messaging_interactions/lines.jsonl"),
        ("partial_result", "messaging_interactions/part.json"),
    ]


@pytest.mark.parametrize(
    ("name", "records", "is_listed"),
    [
        ("open", [chat("v", "OPEN", AT)], True),
        ("in other letters", [chat("v", "open", AT)], True),
        ("closed", [chat("v", "CLOSE", AT)], False),
        ("without messages", [chat("v", "OPEN")], True),
        ("far future", [chat("v", "OPEN", AT), chat("w", "CLOSE", AT, millis("2099-01-01 00:00"))], True),
        ("far past", [chat("v", "OPEN", AT, 1000)], True),
        ("exported after the end", [chat("v", "OPEN", AT), chat("w", "CLOSE", millis("2026-04-01 00:01"))], False),
        ("of the next month", [chat("v", "OPEN", startTimeL=millis("2026-04-02 00:00"))], False),
        ("closed since", [chat("v", "OPEN", AT), chat("v", "CLOSE", AT, END)], False),
        ("closed since, silent", [chat("v", "OPEN"), chat("v", "CLOSE", AT)], False),
        ("opened again", [chat("v", "CLOSE", AT), chat("v", "OPEN", AT, END)], True),
    ],
)
def test_open_in_the_last_export_before_the_end(small: Small, name: str, records: list, is_listed: bool) -> None:
    write_lines(small.settings.landing, f"{CHATS}/lines.jsonl", records)
    assert [kind for kind, *_ in gaps(small)] == ["open_conversation"] * is_listed


@pytest.mark.parametrize("is_held", [False, True])
def test_a_setting_makes_them_hold_the_contract(small: Small, tmp_path: Path, is_held: bool) -> None:
    write_lines(small.settings.landing, f"{CHATS}/lines.jsonl", [chat("v", "OPEN", AT)])
    small.load()
    small.build()
    value = str(is_held).lower()
    small.rows(f"update policy.settings set value = '{value}' where setting = 'hold_incomplete_inputs'")
    small.scratch.run(*small.scratch.project.models)
    assert small.rows("select status from billing.fct_invoices") == [("held" if is_held else "draft",)]
    if is_held:
        small.rows("""insert into policy.acknowledgements ("check", contract_id, meter, period, quantity, "by", reason)
            values ('incomplete_inputs', 'c1', 'dar', '2026-03', 1, 'a person', 'waited long enough')""")
        small.scratch.run(*small.scratch.project.models)
        assert small.rows("select status from billing.fct_invoices") == [("draft",)]
