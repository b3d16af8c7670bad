"""What is in the demo's landing files: everything that they promise.

The counts here are read back from the files by plain Python that shares nothing with the generator but the codecs.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import demo
from demo.exports import LATE_FILE, unpacked


def _records(folder: Path, feed: str) -> Iterator[tuple[str, dict | None]]:
    """(file name, record) of a feed; None for a line that is not JSON."""
    for path in sorted((folder / feed).iterdir()):
        data = unpacked(path.name, path.read_bytes())
        if ".jsonl" not in path.name:
            page = json.loads(data)
            for record in page.get("conversationHistoryRecords", [page]):
                yield path.name, record
            continue
        for line in data.splitlines():
            try:
                yield path.name, json.loads(line)
            except ValueError:
                yield path.name, None


@dataclass
class Reading:
    """What is in the conversation files, counted the plain way."""

    zones: dict[str, list[tuple[datetime, ZoneInfo]]]
    account_of: dict[str, str]
    copies: Counter = field(default_factory=Counter)  # (site, conversation)
    statuses: dict = field(default_factory=lambda: defaultdict(set))
    facts: dict = field(default_factory=lambda: defaultdict(set))  # message key -> what its copies say
    kinds: dict = field(default_factory=dict)  # (conversation, agent) -> user type
    consumers: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    sessions: dict = field(default_factory=lambda: defaultdict(set))
    quirks: Counter = field(default_factory=Counter)
    messages: int = 0
    rejected: int = 0

    def date(self, site: str, at: datetime):
        """Site-local date of an instant."""
        zone = [zone for effective_at, zone in self.zones[site] if effective_at <= at][-1]
        return at.astimezone(zone).date()

    def relationships(self, late_too: bool = True) -> dict[tuple, set[str]]:
        """(site, consumer, date) -> senders, of the messages that count."""
        active = defaultdict(set)
        for (site, conversation, _), facts in self.facts.items():
            for at, side, sender, audience, is_late in facts:
                kind = "consumer" if side == "consumer" else self.kinds.get((conversation, sender), "1")
                if kind == "0" or audience == "AGENTS_AND_MANAGERS" or (is_late and not late_too):
                    continue
                consumer = sender if kind == "consumer" else self.consumers[conversation]
                active[site, consumer, self.date(site, at)].add({"1": "human", "2": "bot"}.get(kind, kind))
        return active


def _instant(record: dict, name: str) -> datetime | None:
    for value, unit in ((record.get(f"{name}L"), 1000), (record.get(name), 0)):
        if value in (None, "undefined"):
            continue
        if unit:
            return datetime.fromtimestamp(int(value) // unit, UTC).replace(microsecond=int(value) % unit * unit)
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S.%f%z")
    return None


@pytest.fixture(scope="module")
def reading(demo_landing: Path) -> Reading:
    """The conversation files, read back."""
    zones, account_of = defaultdict(list), {}
    with (demo_landing / "reference/sites.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            with resources.files("tzdata").joinpath("zoneinfo", row["time_zone"]).open("rb") as zone:
                zones[row["site_id"]].append(
                    (datetime.fromisoformat(row["effective_at"]), ZoneInfo.from_file(zone, key=row["time_zone"]))
                )
            account_of[row["site_id"]] = row["account_id"]
    found = Reading(zones, account_of)
    known: set[tuple] = set()
    records = sorted(_records(demo_landing, "messaging_interactions"), key=lambda pair: pair[0] == Path(LATE_FILE).name)
    for name, record in records:
        info = (record or {}).get("info", {})
        conversation, site = info.get("conversationId"), info.get("brandId")
        if conversation is None:
            found.rejected += 1
            found.messages += 1
            continue
        found.copies[site, conversation] += 1
        found.statuses[site, conversation].add(info["status"])
        found.quirks.update(key for key in record if key.startswith(("consumerParticipant", "messageScore")))
        found.quirks["no source"] += "source" not in info
        for agent in record["agentParticipants"]:
            found.quirks[f"userType {type(agent['userType']).__name__}"] += 1
            found.kinds[conversation, agent["agentId"]] = str(agent["userType"])
        found.sources[conversation] = info.get("source") or record["messageRecords"][0]["source"]
        listed = [one["participantId"] for one in record.get("consumerParticipants", record.get("consumerParticipant"))]
        found.quirks[f"{len(listed)} consumers"] += 1
        for message in record["messageRecords"]:
            found.messages += 1
            at, side = _instant(message, "time"), message["sentBy"].lower()
            found.quirks["no timeL"] += "timeL" not in message
            found.quirks["timeL as text"] += isinstance(message.get("timeL"), str)
            found.quirks["time undefined"] += message["time"] == "undefined"
            found.quirks["no audience"] += "audience" not in message
            found.quirks[f"sentBy {message['sentBy']}"] += 1
            listed += [message["participantId"]] * (side == "consumer")
            if site not in zones or message["messageId"] is None or at.year != 2026:
                found.rejected += 1
                continue
            key = (site, conversation, message["messageId"])
            fact = (at, side, message["participantId"], message.get("audience", "ALL"))
            is_late = name == Path(LATE_FILE).name and (key, *fact) not in known
            if (key, *fact) not in known:
                found.facts[key].add((*fact, is_late))
                known.add((key, *fact))
        if listed:
            found.consumers[conversation] = listed[0]
        for session in record["coBrowseSessions"]["coBrowseSessionsList"]:
            spelling = "interactive" if "interactive" in session else "isInteractive"
            at = _instant(session, "interactiveTime") if session.get("interactiveTimeL") not in (0, -1) else None
            found.quirks[f"{spelling} {session[spelling]}"] += 1
            found.quirks["no interactiveTimeL"] += "interactiveTimeL" not in session
            found.sessions[site, session["sessionId"]].add((session[spelling], at))
    return found


def _by_account_month(reading: Reading, **choice: bool) -> Counter:
    return Counter((reading.account_of[site], f"{day:%Y-%m}") for site, _, day in reading.relationships(**choice))


def test_the_size_stays_small(demo_landing: Path, reading: Reading) -> None:
    plain = sum(len(unpacked(path.name, path.read_bytes())) for path in demo_landing.rglob("*") if path.is_file())
    assert plain < 40_000_000
    assert 20_000 <= reading.messages <= 40_000


def test_every_format_occurs(demo_landing: Path) -> None:
    suffixes = {path.name.partition(".")[2] for path in (demo_landing / "messaging_interactions").iterdir()}
    assert suffixes == {"json", "jsonl", "json.gz", "jsonl.gz", "json.zst", "jsonl.zst"}


def test_a_page_has_the_shape_of_the_api(demo_landing: Path) -> None:
    page = json.loads((demo_landing / "messaging_interactions/alpine-us_2026-03-11_0000.json").read_bytes())
    assert page["_metadata"]["shardsStatusResult"] == {"partialResult": False}
    assert page["_metadata"]["count"] > len(page["conversationHistoryRecords"]) == 100
    record = page["conversationHistoryRecords"][0]
    sample = {
        "info",
        "monitoring",
        "messageRecords",
        "agentParticipants",
        "messageStatuses",
        "coBrowseSessions",
        "sdes",
    }
    assert sample | {"summary"} <= record.keys()
    for marker in demo.MARKERS:
        assert marker in json.dumps(page)


def test_zones_of_every_kind(reading: Reading) -> None:
    zones = {zone.key for history in reading.zones.values() for _, zone in history}
    at = datetime(2026, 3, 5, tzinfo=UTC)
    minutes = {int(at.astimezone(ZoneInfo(zone)).utcoffset().total_seconds()) // 60 % 60 for zone in zones}
    assert len(zones) >= 8
    assert {0, 30, 45} <= minutes
    assert {"Australia/Adelaide", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham", "America/Santiago"} <= zones
    assert any(len({zone.key for _, zone in history}) > 1 for history in reading.zones.values())  # moves in mid-month


def test_clocks_change_in_both_hemispheres_while_people_write(reading: Reading) -> None:
    """On the dates of each change there are messages with both offsets."""
    offsets = defaultdict(set)
    for (site, _, _), facts in reading.facts.items():
        for at, *_ in facts:
            zone = [zone for effective_at, zone in reading.zones[site] if effective_at <= at][-1]
            offsets[zone.key, at.astimezone(zone).date().isoformat()].add(at.astimezone(zone).utcoffset())
    changed = {key for key, found in offsets.items() if len(found) > 1}
    assert {
        ("America/New_York", "2026-03-08"), ("Africa/Casablanca", "2026-03-22"), ("Europe/Berlin", "2026-03-29"),
        ("Australia/Adelaide", "2026-04-05"), ("Pacific/Chatham", "2026-04-05"), ("America/Santiago", "2026-04-04"),
    } <= changed  # fmt: skip


def test_relationships_add_up_to_the_story(reading: Reading) -> None:
    closed = _by_account_month(reading, late_too=False)
    assert closed["alpine", "2026-03"] == 2_150  # two started blocks: 78.00
    assert closed["harbour", "2026-03"] == 2_000  # the allowance to the last one
    assert closed["nordlicht", "2026-03"] == 1_020
    assert closed["hoshizora", "2026-03"] == 1_110
    assert {month for _, month in closed} == set(demo.PERIODS)
    now = _by_account_month(reading)
    late = {key: now[key] - closed[key] for key in now if now[key] != closed[key]}
    assert late == {("harbour", "2026-03"): 3, ("nordlicht", "2026-03"): 5}


def test_all_seven_compositions_occur(reading: Reading) -> None:
    for month in demo.PERIODS:
        found = {
            frozenset(senders) for (_, _, day), senders in reading.relationships().items() if f"{day:%Y-%m}" == month
        }
        assert len(found) == 7


def test_senders_that_do_not_count_occur_alone_on_dates(reading: Reading) -> None:
    active = {(site, consumer, day) for site, consumer, day in reading.relationships()}
    alone = Counter()
    for (site, conversation, _), facts in reading.facts.items():
        for at, side, sender, audience, _ in facts:
            if side == "agent" and (site, reading.consumers[conversation], reading.date(site, at)) not in active:
                alone["private" if audience != "ALL" else reading.kinds[conversation, sender]] += 1
    assert alone["0"] > 10
    assert alone["private"] > 10
    assert set(alone) == {"0", "private"}


def test_conversations_of_every_kind(reading: Reading) -> None:
    dates, channels, unknown, outbound = defaultdict(set), defaultdict(set), 0, set(reading.consumers)
    for (site, conversation, _), facts in reading.facts.items():
        for at, side, sender, _, _ in facts:
            dates[conversation].add((at.astimezone(UTC), reading.date(site, at)))
            channels[site, reading.consumers[conversation], reading.date(site, at)].add(reading.sources[conversation])
            unknown += side == "agent" and (conversation, sender) not in reading.kinds
            if reading.sources[conversation] != "SMS" or reading.kinds.get((conversation, sender)) not in ("0", "2"):
                outbound.discard(conversation)
    days = {conversation: len({day for _, day in found}) for conversation, found in dates.items()}
    assert sum(count > 1 for count in days.values()) > 300
    over_midnight = 0
    for found in dates.values():
        ordered = sorted(found)
        over_midnight += any(b[1] != a[1] and (b[0] - a[0]).seconds < 1800 for a, b in pairwise(ordered))
    assert over_midnight > 100
    assert unknown > 10
    assert set(reading.sources.values()) >= {"SHARK", "SMS", "EMAIL", "FACEBOOK", "WHATSAPP", "APP", "APPLE", "LINE"}
    assert sum(len(found) > 1 for found in channels.values()) > 100  # one consumer, one date, several channels
    assert len(outbound) > 100  # a bot writes, nobody answers


def test_exports_repeat_and_change_but_never_contradict(reading: Reading) -> None:
    assert sum(copies > 1 for copies in reading.copies.values()) > 300
    assert sum(found == {"OPEN", "CLOSE"} for found in reading.statuses.values()) > 100
    assert 1 <= sum(found == {"OPEN"} for found in reading.statuses.values()) < 30
    assert all(len(facts) == 1 for facts in reading.facts.values())
    for found in reading.sessions.values():
        assert len({at for is_interactive, at in found if is_interactive}) <= 1


def test_cobrowse_sessions_of_every_spelling(reading: Reading) -> None:
    for quirk in ("interactive True", "interactive False", "isInteractive True", "isInteractive False"):
        assert reading.quirks[quirk] > 0, quirk
    assert reading.quirks["no interactiveTimeL"] > 0
    assert any(all(not is_interactive for is_interactive, _ in found) for found in reading.sessions.values())
    assert any({is_on for is_on, _ in found} == {True, False} for found in reading.sessions.values())


@pytest.mark.parametrize(
    "quirk",
    [
        "consumerParticipant", "consumerParticipants", "messageScore", "messageScores", "no source", "userType int",
        "userType str", "0 consumers", "2 consumers", "no timeL", "timeL as text", "time undefined", "no audience",
        "sentBy agent", "sentBy AGENT", "sentBy CONSUMER",
    ],
)  # fmt: skip
def test_quirks_of_real_exports_occur(reading: Reading, quirk: str) -> None:
    assert reading.quirks[quirk] > 0


def test_damaged_records_are_few(reading: Reading) -> None:
    assert reading.rejected == 8
    assert reading.rejected / reading.messages < 0.005


def test_invocations_above_the_cap(demo_landing: Path, reading: Reading) -> None:
    totals, seen, rejected, records = Counter(), set(), 0, 0
    for _, record in _records(demo_landing, "function_invocations"):
        records += 1
        at = record and _instant(record, "timestamp")
        if record is None or "invocationId" not in record or at.year != 2026 or record.get("count", 1) < 1:
            rejected += 1
            continue
        key = record["accountId"], record["invocationId"]
        if key not in seen and record["trigger"] != "MANUAL_TEST":
            month = f"{reading.date(key[0], at):%Y-%m}"
            totals[reading.account_of[key[0]], month] += record.get("count", 1)
        seen.add(key)
    assert totals["himal", "2026-03"] == 163_420  # 54 started blocks of 250: 21.06
    assert totals["southarc", "2026-03"] == 155_000  # suspended
    assert all(count < 150_000 for (account, _), count in totals.items() if account not in ("himal", "southarc"))
    assert records > len(seen) + rejected  # the last hours come twice
    assert rejected / records < 0.005


def test_one_account_has_too_many_users(demo_landing: Path, reading: Reading) -> None:
    users = Counter()
    for name, record in _records(demo_landing, "platform_users"):
        provisioned = sum(user["isEnabled"] and not user["deleted"] for user in record["users"])
        users[reading.account_of[record["accountId"]], name.rpartition("_")[2][:10]] += provisioned
    assert users["southarc", "2026-03-01"] == 9
    assert users["southarc", "2026-03-16"] == 12
    assert max(count for (account, _), count in users.items() if account in ("alpine", "harbour", "himal")) == 10


def test_support_cases_of_every_kind(demo_landing: Path) -> None:
    records = [record for _, record in _records(demo_landing, "support_cases")]
    cases = {record["caseId"] for record in records}
    events = Counter(record["event"] for record in records)
    assert len(cases) >= 12
    assert set(events) == {
        "OPENED", "RESPONDED", "UPDATED", "WAITING_ON_CUSTOMER", "CUSTOMER_REPLIED", "RESOLVED", "RCA_DELIVERED",
        "SEVERITY_CHANGED", "SCOPE_CHANGED", "REOPENED",
    }  # fmt: skip
    assert {record["openedBy"] for record in records} == {"CUSTOMER", "NOC"}
    assert len({record["scope"] for record in records}) > 3
    assert len({record["accountId"] for record in records if "incidentId" in record}) == 3
    assert len(records) > len({json.dumps(record, sort_keys=True) for record in records})
    as_of = datetime.fromisoformat(demo.AS_OF_CLOSE)
    assert all(_instant(record, "timestamp") < as_of for record in records)
