"""A home with a pseudonym key: the public sample page, and a canary in everything that is not ours to keep."""

from __future__ import annotations

import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from oracle.build import conversation, message, millis, site, write_lines, write_reference

from end_to_end.commands import Answer, Home, Lab, reading, tables

SAMPLE = Path(__file__).resolve().parents[1] / "fixtures" / "messaging_interactions_page.json"
SAMPLE_SITE = "qa26409991"
SITE = "canary-site"
CANARY = "zqx"
CONSUMERS = (f"{CANARY}-consumer-1", f"{CANARY}-consumer-2")
KEY = "correct horse battery staple"
PERIOD = "2017-10"
AS_OF = {"LEDGER_AS_OF": "2026-04-20T12:00:00Z"}

# What INPUTS.md says is read, by name; everything else of a record is made a canary.
READ = {
    "startTime", "startTimeL", "endTime", "endTimeL", "conversationId", "brandId", "source", "status", "isPartial",
    "messageId", "seq", "dialogId", "participantId", "timeL", "time", "type", "sentBy", "audience", "agentId",
    "userType", "userTypeName", "role", "permission", "sessionId", "interactiveTimeL", "interactive", "isInteractive",
    "count", "accountId", "functionUuid", "invocationId", "timestampL", "trigger", "eventId", "state",
    "snapshotTimeL", "id", "userTypeId", "isEnabled", "deleted", "caseId", "openedBy", "severity", "channel", "event",
    "scope", "incidentId",
}  # fmt: skip
# Of other fields than the sample page shows, some.
MORE = {
    "transfers": [{"reason": "x", "sourceAgentFullName": "x"}],
    "interactions": [{"assignedAgentNickname": "x"}],
    "conversationSurveys": [{"surveyData": [{"question": "x", "answer": "x"}]}],
    "messageScores": [{"messageId": "m", "text": "x"}],
    "customerInfo": {"customerInfo": {"imei": "x", "userName": "x", "customerId": "x"}},
    "unsubscribedEmail": "x",
}


@dataclass
class Private:
    """What was seen."""

    home: Home
    run: Answer
    other_key: Answer
    no_key: Answer
    key_put_back: Answer


def play(lab: Lab, project: Path) -> Private:
    """The whole story."""
    home = lab.home("private", project, **AS_OF)
    plant(home.landing)
    run = home.run("run", "--period", PERIOD, LEDGER_PSEUDONYM_KEY=KEY)
    other = home.run("run", "--period", PERIOD, LEDGER_PSEUDONYM_KEY=KEY + "!")
    none = home.run("run", "--period", PERIOD)
    return Private(home, run, other, none, home.run("verify", LEDGER_PSEUDONYM_KEY=KEY))


def planted(value: Any, name: str = "", path: str = "") -> Any:
    """The value with a canary in every text and number that is not read; the canary names its place."""
    if isinstance(value, dict):
        return {key: planted(part, key, f"{path}.{key}") for key, part in value.items()}
    if isinstance(value, list):
        return [planted(part, name, path) for part in value]
    return value if name in READ or isinstance(value, bool) else f"{CANARY}{path}@example.com"


def plant(landing: Path) -> None:
    """Write the sample page as it is, and canaries in every feed, in good and in damaged records."""
    pages = landing / "messaging_interactions"
    pages.mkdir(parents=True)
    (pages / "page.json").write_bytes(SAMPLE.read_bytes())
    contract = {"rate_plan_id": "starter", "starts_on": "2016-01-01", "functions_over_cap": "charge"}
    write_reference(
        landing,
        accounts=[{"account_id": name, "account_name": name, "currency_code": "USD"} for name in ("A", "B")],
        sites=[site(SAMPLE_SITE, "A", "UTC"), site(SITE, "B", "UTC")],
        contracts=[contract | {"contract_id": f"{name}1", "account_id": name} for name in ("A", "B")],
    )
    for kind in ("accounts", "sites", "contracts"):
        _add_columns(landing / "reference" / f"{kind}.csv")

    good = [conversation_of(consumer) for consumer in CONSUMERS]
    text = json.dumps(good[0])
    damaged = [
        text[:-300],  # cut off
        text.replace('"info"', "“info”", 1),  # typographic quotes
        text.replace('"conversationId"', '"other"', 1),
        text.replace('"brandId"', '"other"', 1),
        json.dumps(good[0] | {"messageRecords": f"{CANARY}-where-a-list-belongs"}),
        json.dumps({f"{CANARY}-a-name": 1} | good[0]),
        f'"{CANARY}-a-text-alone"',
        text + text,
        text.replace("Consumer", f"{CANARY}-side"),
        text.replace('"1508840000000"', f'"{CANARY}-time"'),
    ]
    write_lines(landing, "messaging_interactions/canaries.jsonl", good)
    # Many good records, so that the damaged ones are few.
    filler = [message(f"f{n}", millis("2017-10-10 12:00") + n, who=CONSUMERS[0]) for n in range(4000)]
    many = conversation("many", filler, site_id=SITE, consumers=(CONSUMERS[0],))
    write_lines(landing, "messaging_interactions/many.jsonl", [many])
    write_lines(landing, "messaging_interactions/damaged.jsonl.gz", damaged)
    (pages / "broken_page.json").write_text('{"conversationHistoryRecords": [' + text + ', {"a": “' + CANARY + "”}]}")
    (pages / "utf16.jsonl").write_bytes((text + "\n").encode("utf-16"))
    (pages / "not_zstd.jsonl.zst").write_bytes(text.encode())
    (pages / "notes.txt").write_text(text)

    at = millis("2017-10-05 12:00")
    calls = [
        {"accountId": SITE, "functionUuid": "f", "invocationId": f"i{n}", "timestampL": at + n, "trigger": "EVENT",
         "eventId": "e", "state": "SUCCEEDED", "payload": f"{CANARY}-payload", "user": {"email": f"{CANARY}-mail"}}
        for n in range(4000)
    ]  # fmt: skip
    bad = json.dumps(calls[0])
    write_lines(landing, "function_invocations/calls.jsonl", [*calls, bad[:-9], bad.replace('"accountId"', '"x"'),
                bad.replace(str(at), f'"{CANARY}-time"'), bad.replace('"i0"', '["' + CANARY + '-id"]')])  # fmt: skip
    people = planted({"accountId": SITE, "snapshotTimeL": at, "users": [
        {"id": f"u{n}", "userTypeId": 1, "isEnabled": True, "deleted": False, "loginName": "x", "fullName": "x",
         "email": "x", "phoneNumber": "x"} for n in range(3)]})  # fmt: skip
    users = landing / "platform_users"
    users.mkdir()
    (users / "good.json").write_text(json.dumps(people))
    (users / "cut.json").write_text(json.dumps(people)[:-40])
    case = {"caseId": "C1", "accountId": SITE, "openedBy": "CUSTOMER", "severity": "1", "event": "OPENED",
            "timestampL": at, "subject": f"{CANARY}-subject", "contact": {"name": f"{CANARY}-name"}}  # fmt: skip
    write_lines(landing, "support_cases/cases.jsonl", [case, json.dumps(case)[:-20], json.dumps([case])])


def conversation_of(consumer: str) -> dict[str, Any]:
    """The sample page's record as another conversation of that consumer's, a canary in all that is not read."""
    record = json.loads(SAMPLE.read_text())["conversationHistoryRecords"][0] | MORE
    old = record["consumerParticipant"][0]["participantId"]
    record["info"]["conversationId"], record["info"]["brandId"] = f"conversation-{consumer[-1]}", SITE
    record["messageRecords"][-1]["timeL"] = "1508840000000"
    record["coBrowseSessions"] = {}
    return planted(json.loads(json.dumps(record).replace(old, consumer)))


def _add_columns(path: Path) -> None:
    """Columns that nobody asked for, and a row that cannot be used."""
    header, *rows = path.read_text().splitlines()
    extra = [f"{row},{CANARY}-mail,{CANARY}-phone" for row in rows]
    unusable = f",,,,{CANARY}-row,{CANARY}-odd"
    # A person's name where an id, a zone or a date belongs; one row is one column too long.
    width = header.count(",") + 1
    misplaced = [f"{CANARY}-first" + f",{CANARY}-second" * more for more in (width + 1, width + 5)]
    lines = [f"{header},contact_email,contact_phone", *extra, unusable, *misplaced]
    path.write_text("\n".join(lines) + "\n")


# --- the search ------------------------------------------------------------------------------------------------------


def files_with(folder: Path, words: list[str], without: str = "landing") -> list[str]:
    """Files outside landing/ whose name or bytes hold one of the words, and which."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[0] == without:
            continue
        data = str(name).encode() + b"\n" + path.read_bytes()
        if path.suffix == ".db":
            data += b"\n".join(_unpacked(path))
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                data += b"\n".join(book.read(name) for name in book.namelist())
        found += [f"{name}: {_around(data, word.encode())}" for word in words if word.encode() in data]
    return found


def _around(data: bytes, word: bytes) -> str:
    place = data.index(word)
    return repr(data[max(place - 60, 0) : place + 60])


def _unpacked(path: Path) -> Iterator[bytes]:
    """Dagster keeps some of its rows compressed."""
    with sqlite3.connect(path) as connection:
        for (table,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
            for row in connection.execute(f'select * from "{table}"'):
                for value in row:
                    if isinstance(value, bytes):
                        try:
                            yield zlib.decompress(value)
                        except zlib.error:
                            yield value


def values_with(path: Path, words: list[str]) -> list[str]:
    """Columns of a DuckDB file with a value that holds one of the words: compression hides bytes."""
    with reading(path) as connection:
        return [hit for table in tables(connection) for hit in _columns_with(connection, table, words)]


def parquet_with(folder: Path, words: list[str]) -> list[str]:
    """The same for all Parquet files of a folder."""
    with duckdb.connect() as connection:
        return [
            hit
            for path in sorted(folder.rglob("*.parquet"))
            if "landing" not in path.relative_to(folder).parts
            for hit in _columns_with(connection, f"'{path}'", words)
        ]


def _columns_with(connection: duckdb.DuckDBPyConnection, table: str, words: list[str]) -> Iterator[str]:
    columns = [row[0] for row in connection.execute(f"describe from {table}").fetchall()]
    sums = ", ".join(
        "count(*) filter (" + " or ".join(f"contains(\"{column}\"::varchar, '{word}')" for word in words) + ")"
        for column in columns
    )
    counts = connection.execute(f"select {sums} from {table}").fetchone() or ()
    for column, count in zip(columns, counts, strict=True):
        if count:
            yield f"{table}.{column}: {count} values"
