"""One set of records, delivered in many ways: doubled, shuffled, split, merged, in batches.

The records have copies that repeat and grow and none that contradict each other, so that what is billed must not depend
on the way. Broken lines lie between them. A delivery is what the files of a landing folder hold, by path.
"""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zstandard
from oracle.build import conversation, invocation, message, millis, site, snapshot, user, write_reference

Record = dict[str, Any]
Delivery = dict[str, bytes]
FEEDS = ("messaging_interactions", "function_invocations", "platform_users", "support_cases")
SITES = {"north": "Europe/Oslo", "south": "Australia/Lord_Howe", "west": "America/St_Johns", "east": "Asia/Kathmandu"}
FIRST, LAST = millis("2026-02-26 00:00"), millis("2026-04-03 00:00")
DAY = 86_400_000
BROKEN = ('{"cut', "[]", "{“a”: 1}", '{"info": 3}')


def write_accounts(landing: Path) -> None:
    """Two accounts of two sites each; one site moves to another zone in mid-month."""
    write_reference(
        landing,
        accounts=[{"account_id": name, "account_name": name, "currency_code": "USD"} for name in ("A", "B")],
        sites=[site(name, "AB"[place % 2], zone, place > 0) for place, (name, zone) in enumerate(SITES.items())]
        + [site("west", "A", "America/Anchorage", at="2026-03-15T10:30:00Z")],
        contracts=[
            {"contract_id": f"{name}1", "account_id": name, "rate_plan_id": "starter", "starts_on": "2026-03-01",
             "functions_over_cap": "charge"}
            for name in "AB"
        ],
    )  # fmt: skip


class Records:
    """What is delivered, from a seed: records as the source has them in the end, and earlier exports of some."""

    def __init__(self, seed: int, conversations: int = 50) -> None:
        self.dice = random.Random(seed)
        self.chats = [self._chat(number) for number in range(conversations)]
        self.calls = [
            invocation(f"i{n}", self._instant(), self.dice.choice([None, 1, 7000]), accountId=self._site(),
                       functionUuid=self.dice.choice("fg"), trigger=self.dice.choice(["EVENT", "MANUAL_TEST"]))
            for n in range(80)
        ]  # fmt: skip
        self.users = [
            snapshot(self._site(), FIRST + n * 3 * DAY, [user(f"u{m}") for m in range(self.dice.randrange(5))])
            for n in range(10)
        ]
        self.earlier = [
            record | {"messageRecords": record["messageRecords"][: self.dice.randrange(1, 4)]}
            for record in self.dice.sample(self.chats, conversations // 3)
        ]
        self.cases = [event for number in range(8) for event in self._case(number)]

    def _site(self) -> str:
        return self.dice.choice(list(SITES))

    def _instant(self) -> int:
        at = self.dice.randrange(FIRST, LAST)
        return at // DAY * DAY + self.dice.choice([-1, 0, 3_600_000]) if self.dice.random() < 0.3 else at

    def _chat(self, number: int) -> Record:
        who = f"k{self.dice.randrange(12)}"
        at = self._instant()
        messages = []
        for n in range(self.dice.randrange(1, 7)):
            side = self.dice.choice(["Consumer", "Agent", "Agent"])
            sender = who if side == "Consumer" else self.dice.choice(["a1", "b1", "sys"])
            messages.append(message(f"m{n}", at, side, sender))
            at += self.dice.randrange(1, DAY // 2)
        sessions = [{"sessionId": f"c{number}", "startTimeL": at, "interactiveTimeL": at + 5, "interactive": True}]
        return conversation(
            f"v{number}", messages, site_id=self._site(), consumers=(who,),
            source=self.dice.choice(["SHARK", "SMS", "EMAIL", "WHATSAPP"]), sessions=sessions * (number % 3 == 0),
        )  # fmt: skip

    def _case(self, number: int) -> list[Record]:
        about = {"caseId": f"q{number}", "accountId": self._site(), "openedBy": "CUSTOMER", "channel": "CHAT"}
        said = {"severity": self.dice.choice("123"), "scope": "COVERED"}
        at, events = self.dice.randrange(FIRST, LAST - 10 * DAY), []
        steps = ["RESPONDED", "UPDATED", "WAITING_ON_CUSTOMER", "CUSTOMER_REPLIED", "RESOLVED", "REOPENED", "UPDATED"]
        for event in ["OPENED", *steps[: self.dice.randrange(1, 8)]]:
            events.append(about | said | {"event": event, "timestampL": at})
            at += self.dice.randrange(1, DAY)
        return events

    def of(self, feed: str) -> list[Record]:
        """All records of a feed, earlier exports first."""
        every = (self.earlier + self.chats, self.calls, self.users, self.cases)
        return dict(zip(FEEDS, every, strict=True))[feed]


def _lines(records: Iterable[Record | str]) -> bytes:
    return "".join((part if isinstance(part, str) else json.dumps(part)) + "\n" for part in records).encode()


def _file(feed: str, name: str, records: list[Record | str], suffix: str = "jsonl") -> Delivery:
    """One file; pages and objects have no room for broken lines."""
    shape, _, compression = suffix.partition(".")
    if shape == "json":
        kept = [record for record in records if not isinstance(record, str)]
        data = json.dumps({"conversationHistoryRecords": kept} if feed == FEEDS[0] else kept[0]).encode()
    else:
        data = _lines(records)
    if compression == "gz":
        data = gzip.compress(data, mtime=0)
    if compression == "zst":
        data = zstandard.ZstdCompressor().compress(data)
    return {f"{feed}/{name}.{suffix}": data}


def as_it_came(records: Records) -> Delivery:
    """Three files a feed, in the order of the records, a broken line at the end of each."""
    delivery: Delivery = {}
    for feed in FEEDS:
        every = records.of(feed)
        third = len(every) // 3 + 1
        for n in range(3):
            delivery |= _file(feed, f"part{n}", [*every[n * third : (n + 1) * third], BROKEN[n]])
    return delivery


def doubled(records: Records) -> Delivery:
    """Every record twice in its file, every file under a second path, and again compressed."""
    delivery: Delivery = {}
    for path, data in as_it_came(records).items():
        folder, _, name = path.partition("/")
        delivery |= {path: data + data, f"{folder}/again/{name}": data + data}
        delivery[f"{folder}/{name}.gz"] = gzip.compress(data)
    return delivery


def shuffled(records: Records) -> Delivery:
    """Every record somewhere else, under names in another order."""
    delivery: Delivery = {}
    for feed in FEEDS:
        every: list[Record | str] = [*records.of(feed), *BROKEN]
        records.dice.shuffle(every)
        for n in range(4):
            delivery |= _file(feed, f"{records.dice.random()}-{n}", every[n::4])
    return delivery


def split(records: Records) -> Delivery:
    """One record a file, in every format."""
    delivery: Delivery = {}
    suffixes = [f"{shape}{compression}" for shape in ("json", "jsonl") for compression in ("", ".gz", ".zst")]
    for feed in FEEDS:
        for n, record in enumerate(records.of(feed)):
            delivery |= _file(feed, f"{n % 7}/{n}", [record], records.dice.choice(suffixes))
    return delivery


def merged(records: Records) -> Delivery:
    """One file a feed."""
    delivery: Delivery = {}
    for feed in FEEDS:
        delivery |= _file(feed, "all", [*BROKEN, *records.of(feed)], "jsonl.zst")
    return delivery


def respelt(records: Records) -> Delivery:
    """The same values as other JSON: numbers as texts, other order of keys, blanks, escapes, unknown fields."""

    def other(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {"unknown": [1, {"a": None}]} | {name: other(value[name], name) for name in reversed(value)}
        if isinstance(value, list):
            return [other(part) for part in value]
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    delivery: Delivery = {}
    for feed in FEEDS:
        texts: list[Record | str] = [json.dumps(other(record), ensure_ascii=True, separators=(" ,  ", " : "))
                 for record in records.of(feed)]  # fmt: skip
        delivery |= _file(feed, "respelt", texts)
    return delivery


WAYS: dict[str, Callable[[Records], Delivery]] = {
    "doubled": doubled, "shuffled": shuffled, "split": split, "merged": merged, "respelt": respelt,
}  # fmt: skip


def put(landing: Path, delivery: Delivery) -> None:
    """Write the files."""
    for path, data in delivery.items():
        place = landing / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
