"""Landing files that tell two JSON readers apart, beside those of tests/trust/damages.py."""

from __future__ import annotations

import gzip
import json

import zstandard
from trust.damages import AT, CALLS, CHAT, USERS, call, case, lines, page, talk, text_of

HUGE = 12345e99  # stands for a number beyond DOUBLE, which Python cannot write
INSTANTS = (
    0, -1, 1.5, 2.5, HUGE, -HUGE, 10**30, -(10**30), "1e400", " 12 ", "0x19", "1_000", "+5", "5.", "007", "1,5",
    "NaN", True, None, [1], {"a": 1}, "", "undefined", float(AT), f"{AT}.0", 9223372036854775807, 9223372036854775808,
    253402300799999, 253402300800000, -62135596800000, -62135596800001, "\t1", "1 ",
)  # fmt: skip
TWINS = (
    "2016-08-29 14:30:24.565+0000", "2016-08-29T14:30:24Z", "2016-08-29 14:30:24", "2016-08-29 14:30:24 +0200",
    "2016-08-29 24:00:00.000Z", "2016-08-29 24:00:01Z", "2016-02-30 00:00:00Z", "0001-01-01 00:00:00+05",
    "9999-12-31 23:59:59-05", "2016-01-01 00:00:00+99:99", "2016-01-01 00:00:00.1234567Z", "2016-01-01 00:00:00+05:3",
    "1582-10-10 00:00:00Z", "0000-01-01 00:00:00Z", "undefined", "",
)  # fmt: skip


def odd_files() -> dict[str, bytes]:
    """Files by their path inside landing."""
    sent = lines(*(_sent(number, value) for number, value in enumerate(INSTANTS)))
    counted = lines(*(call("odd", number, count=value) for number, value in enumerate(INSTANTS)))
    written = lines(*(_written(number, text) for number, text in enumerate(TWINS)))
    files = {
        f"{CHAT}/odd/instants.jsonl": _beyond(sent),
        f"{CALLS}/odd/counts.jsonl": _beyond(counted),
        f"{CHAT}/odd/twins.jsonl": written,
        f"{CHAT}/odd/syntax.jsonl": _syntax(),
        f"{CHAT}/odd/shapes.jsonl": lines(*_shapes()),
        f"{CHAT}/odd/shapes.json": page(*_shapes()),
    }
    good = lines(talk("same", 1), talk("same", 2))
    files |= {f"{CHAT}/same/{name}.jsonl": good for name in ("a", "b", "b c %20 #é")}
    files |= {
        f"{CHAT}/upper/X.JSONL.GZ": gzip.compress(lines(talk("upper")), mtime=0),
        f"{CHAT}/upper/Y.Json.Zst": zstandard.ZstdCompressor().compress(page(talk("upper", 2))),
        f"{CHAT}/upper/Z.jsonl": lines(talk("upper", 3), end=b"\r\n"),
        f"{CHAT}/.hidden.jsonl": lines(talk("hidden")),
        f"{CHAT}/half.jsonl.tmp": lines(talk("hidden")),
        f"{CHAT}/older~/x.jsonl": lines(talk("hidden")),
        f"{CHAT}/empty/page.json": page(),
        f"{CALLS}/single.json": json.dumps(call("single")).encode(),
        f"{USERS}/lines.jsonl": lines({"accountId": "s1", "snapshotTimeL": AT, "users": []}, "null",
                                      {"accountId": "s1", "snapshotTimeL": AT, "users": [{"id": 1}, None, {"id": ""}]}),
        "support_cases/single.json": json.dumps(case("single")).encode(),
    }  # fmt: skip
    return files | _pages()


def _beyond(data: bytes) -> bytes:
    return data.replace(str(HUGE).encode(), b"1e400")


def _sent(number: int, value: object) -> dict:
    made = talk("instant", number)
    made["messageRecords"][0]["timeL"] = value
    made["info"]["startTimeL"] = value
    made["coBrowseSessions"]["coBrowseSessionsList"][0]["interactiveTimeL"] = value
    return made


def _written(number: int, text: str) -> dict:
    made = talk("twin", number)
    made["messageRecords"][0] |= {"timeL": "undefined", "time": text}
    made["info"] |= {"startTimeL": None, "startTime": text, "endTimeL": "x", "endTime": text}
    return made


def _shapes() -> list[dict]:
    """Lists with one item of another shape beside good ones, and objects where a text belongs."""
    made = []
    for key in ("agentParticipants", "consumerParticipants"):
        for item in ("x", 1, None, [], [{}], {}):
            record = talk("shape", len(made))
            record[key] = [item, *record[key], item]
            made.append(record)
    for key in ("source", "status", "isPartial", "startTimeL", "endTimeL"):
        for value in ({}, {"a": [1]}, [], ["a"], 7, 1.5, False):
            record = talk("shape", len(made))
            record["info"][key] = value
            made.append(record)
    return made


def _syntax() -> bytes:
    """What one reader might take and the other not: something behind the record, keys twice, odd escapes."""
    whole = text_of(talk("syntax"))
    return lines(
        whole, whole + " junk", whole + ",", whole + "}", whole + "] junk", whole + ',"x":2', whole + ',"e":0}',
        whole + '}{"x":1', "[" + whole + "]", whole + whole, "  " + whole + "\t",
        whole.replace('"info"', '"info": {"conversationId": "other", "brandId": "s1"}, "info"', 1),
        whole.replace('"info"', '"unread": {"a": 1, "a": 2}, "info"', 1),
        whole.replace('"messageId"', '"messageId": "first", "messageId"', 1),
        whole.replace("CONTENT", "\\ud83d\\ude00", 1), whole.replace("CONTENT", "\\ud83d", 1),
        whole.replace('"m1"', '"m\\u00e91\\ud83d\\ude00"', 1), whole.replace('"m1"', '"\\ude00"', 1),
        whole.replace('"m1"', "1.50", 1), whole.replace('"m1"', "12345678901234567890123", 1),
        whole.replace('"m1"', '"{m1"', 1), whole.replace('"m1"', '"Infinity"', 1), whole.replace('"m1"', "true", 1),
        whole.replace('"m1"', '" m1 "', 1), whole.replace('"Agent"', '"AGENT"', 1), "\u00a0" + whole, "'" + whole + "'",
        whole.replace(": ", ":\t"), "{}", '""', "nul", "tru", "-", "00", "/* c */" + whole, whole + "// c",
    )  # fmt: skip


def _pages() -> dict[str, bytes]:
    """Pages with odd heads, and with some records that must be read again."""
    heads = {
        "address": {"self": {"href": "https://x/account/s1/search?offset=100&limit=100&offset=3"}},
        "offset_last": {"self": {"href": "https://x/account/s1/search?limit=100&offset=100"}},
        "no_account": {"self": {"href": "https://x/search?"}, "shardsStatusResult": {"partialResult": "TRUE"}},
        "odd_count": {"count": "12.5", "self": "none", "shardsStatusResult": []},
        "text_count": {"count": "undefined", "self": {"href": "undefined"}, "shardsStatusResult": {"partialResult": 1}},
    }
    files = {f"{CHAT}/pages/{name}.json": page(talk(name), **head) for name, head in heads.items()}
    made = [talk("mixed", number) for number in range(5)]
    del made[1]["messageRecords"][0]["messageId"]
    made[3]["info"]["conversationId"] = None
    doubled = text_of(made[4]).replace('"info"', '"info": {"conversationId": "first", "brandId": "s1"}, "info"', 1)
    files[f"{CHAT}/pages/mixed.json"] = page(*made[:4])
    files[f"{CHAT}/pages/doubled.json"] = page(talk("doubled_page"), doubled)
    files[f"{CHAT}/pages/junk.json"] = page(talk("junk_page")) + b" junk"
    files[f"{CHAT}/pages/list_twice.json"] = page(talk("list_twice"))[:-1] + b', "conversationHistoryRecords": []}'
    return files
