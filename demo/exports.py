"""How conversations arrive: exports every ten days, in every file format, some of them twice, one of them damaged."""

import gzip
import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import zstandard

from demo.accounts import SITE_OF, SITES
from demo.clock import epoch_ms
from demo.conversations import Conversation, late, of_site
from demo.payload import record

FOLDER = "messaging_interactions"
EXPORTED_AT = (
    "2026-03-11T12:00:00Z",
    "2026-03-21T12:00:00Z",
    "2026-04-01T12:00:00Z",  # the first period has ended in every zone
    "2026-04-11T12:00:00Z",
    "2026-04-20T11:00:00Z",
)
FORMATS = ("json", "jsonl", "jsonl.gz", "jsonl.zst", "json.gz", "json.zst")
PAGE = 100  # records a response page holds at most

REDELIVERED_SITE = "hoshizora-hi"  # its second export comes under two names
DAMAGED_SITE, DAMAGED_AT = "alpine-ca", "2026-03-25T12:00:00Z"
INCOMPLETE_SITE = "himal-in"  # its last search says that it has more records than it delivered
LATE_SITES = (("harbour-east", 2, 1), ("nordlicht-de", 3, 2))  # new conversations, conversations gone on
LATE_FILE = f"{FOLDER}/late_2026-03_delivered_2026-04-20.jsonl.gz"


def to_json(value: object) -> bytes:
    """JSON in one spelling."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def to_lines(values: Iterable[object]) -> bytes:
    """JSON, one value a line."""
    return b"".join(to_json(value) + b"\n" for value in values)


def gzipped(data: bytes) -> bytes:
    """A gzip file of stored blocks: how zlib compresses differs between machines, and these bytes must not."""
    blocks = [data[start : start + 0xFFFF] for start in range(0, len(data), 0xFFFF)] or [b""]
    body = b"".join(
        struct.pack("<BHH", place == len(blocks) - 1, len(block), len(block) ^ 0xFFFF) + block
        for place, block in enumerate(blocks)
    )
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return header + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def packed(name: str, data: bytes) -> bytes:
    """The data as a file of that name holds it."""
    if name.endswith(".gz"):
        return gzipped(data)
    if name.endswith(".zst"):
        return zstandard.ZstdCompressor(level=3).compress(data)
    return data


def unpacked(name: str, data: bytes) -> bytes:
    """What `packed` packed."""
    if name.endswith(".gz"):
        return gzip.decompress(data)
    if name.endswith(".zst"):
        return zstandard.ZstdDecompressor().decompress(data)
    return data


def _changed(conversations: list[Conversation], since: int, until: int) -> list[Conversation]:
    """Conversations in which something happened after `since`, as known at `until`."""
    return [
        one
        for one in conversations
        if one.messages[0].at <= until
        and any(since < at <= until for at in (one.ended_at, *(message.at for message in one.messages)))
    ]


def _page(site_id: str, day: str, records: list[dict[str, Any]], offset: int, count: int) -> dict[str, Any]:
    address = f"/messaging_history/api/account/{site_id}/conversations/search?source=export-{day}&limit={PAGE}"
    metadata: dict[str, Any] = {
        "count": count,
        "self": {"rel": "self", "href": f"{address}&offset={offset}"},
        "shardsStatusResult": {"partialResult": False},
    }
    if offset + PAGE < count:
        metadata["next"] = {"rel": "next", "href": f"{address}&offset={offset + PAGE}"}
    return {"_metadata": metadata, "conversationHistoryRecords": records}


def _files_of(site_id: str, day: str, suffix: str, records: list[dict[str, Any]], missing: int) -> dict[str, bytes]:
    stem = f"{FOLDER}/{site_id}_{day}"
    if suffix.startswith("jsonl"):
        return {f"{stem}.{suffix}": packed(suffix, to_lines(records))}
    return {
        f"{stem}_{offset:04d}.{suffix}": packed(
            suffix, to_json(_page(site_id, day, records[offset : offset + PAGE], offset, len(records) + missing))
        )
        for offset in range(0, len(records), PAGE)
    }


def conversation_files() -> dict[str, bytes]:
    """All exports but the late one, by their path in the landing folder."""
    files: dict[str, bytes] = {}
    for place, site in enumerate(SITES):
        conversations, since = of_site(site), 0
        for turn, exported_at in enumerate(EXPORTED_AT):
            until, day = epoch_ms(exported_at), exported_at[:10]
            records = [record(one, until) for one in _changed(conversations, since, until)]
            is_last = turn == len(EXPORTED_AT) - 1
            if is_last and place % 5 == 0:
                records[-1]["info"]["isPartial"] = True
            missing = 2 if is_last and site.site_id == INCOMPLETE_SITE else 0
            suffix = "json" if missing else FORMATS[(place + turn) % len(FORMATS)]
            new = _files_of(site.site_id, day, suffix, records, missing)
            files |= new
            if site.site_id == REDELIVERED_SITE and turn == 1:
                files |= {path.replace(f"_{day}", f"_{day}_again"): data for path, data in new.items()}
            since = until
        if site.site_id == DAMAGED_SITE:
            files[f"{FOLDER}/{DAMAGED_SITE}_{DAMAGED_AT[:10]}_by-hand.jsonl"] = _damaged(conversations)
    return files


def _damaged(conversations: list[Conversation]) -> bytes:
    """An export made by hand: good copies, and one of each damage. 8 records in it cannot be counted."""
    until = epoch_ms(DAMAGED_AT)
    known = [one for one in conversations if one.ended_at <= until and not one.quirk][-12:]
    good = [record(one, until) for one in known]
    lines = [to_json(one) for one in good[:6]]
    lines.append(to_json(good[6])[:-700])  # cut off
    lines.append(to_json(good[7]).replace(b'"monitoring"', "“monitoring”".encode()))  # typographic quotes
    del good[8]["info"]["conversationId"]
    lines.append(to_json(good[8]))
    for broken in ({"messageId": None}, {"timeL": 4_102_444_800_000, "time": "undefined"}):  # no id; the year 2100
        message = good[9]["messageRecords"][-1]
        extra = message | {"messageId": f"{message['messageId']}9", "seq": message["seq"] + 90}
        good[9]["messageRecords"].append(extra | broken)
    lines.append(to_json(good[9]))
    stranger = record(known[10], until)
    stranger["info"] |= {"brandId": "alpine-uk", "conversationId": "0" * 8 + known[10].conversation_id[8:]}
    stranger["coBrowseSessions"] = {"coBrowseSessionsList": []}
    stranger["messageRecords"] = (stranger["messageRecords"] * 3)[:3]
    for place, message in enumerate(stranger["messageRecords"]):
        stranger["messageRecords"][place] = message | {"messageId": f"ms::dialog:alpine-uk::msg:{place}"}
    lines.append(to_json(stranger))  # a site that no reference row knows
    return b"\n".join(lines) + b"\n"


def late_files() -> dict[str, bytes]:
    """The one export that arrives after the first period was closed."""
    until = epoch_ms(EXPORTED_AT[-1]) + 1
    records = [record(one, until) for site_id, new, grown in LATE_SITES for one in late(SITE_OF[site_id], new, grown)]
    return {LATE_FILE: packed(LATE_FILE, to_lines(records))}
