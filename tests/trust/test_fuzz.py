"""Mutated payloads: whatever the bytes, loading never raises, and every record is accounted for.

Bytes are cut, flipped, doubled and spliced; values are replaced by others at any place of a record. Most examples are
loaded only; some are built, where the reconciliation must be zero and, for valid JSON, every row the oracle's.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from models.runner import Scratch
from oracle.build import one_site, snapshot, user

from trust import often
from trust.damages import AT, call, case, lines, page, talk
from trust.small import Small

CHATS, CALLS, USERS, CASES = "messaging_interactions", "function_invocations", "platform_users", "support_cases"
PEOPLE = snapshot("s1", AT, [user("u1"), user("u2", 2)])
GOOD: dict[str, bytes] = {
    f"{CHATS}/lines.jsonl": lines(talk("lines", 1), talk("lines", 2)),
    f"{CHATS}/page.json": page(talk("page", 1), talk("page", 2), self={"href": "/search?offset=0"}),
    f"{CHATS}/lines.jsonl.gz": gzip.compress(lines(talk("packed", 1)), mtime=0),
    f"{CHATS}/page.json.zst": zstandard.ZstdCompressor().compress(page(talk("frame", 1))),
    f"{CALLS}/calls.jsonl": lines(call("calls", 1), call("calls", 2, count=3)),
    f"{USERS}/users.json": json.dumps(PEOPLE).encode(),
    f"{USERS}/users.jsonl": lines(PEOPLE),
    f"{CASES}/cases.jsonl": lines(case("cases", 1), case("cases", 2)),
}
RECORDS: dict[str, list[dict]] = {
    f"{CHATS}/values.jsonl": [talk("values", 1), talk("values", 2)],
    f"{CALLS}/values.jsonl": [call("values", 1), call("values", 2)],
    f"{USERS}/values.jsonl": [PEOPLE],
}
SPLICES = [b"null", b'"undefined"', b"-1", b"1e400", b"[", b"{", b"}", b"]", b",", b'"', b"\\", b"\\u0000", b"\\ud800",
           b"\0", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\xe2\x80\x9c", b"NaN", b"0x1", b"[" * 3000,
           b'{"a":' * 3000, b"9" * 500, b"'", b"''; drop table raw.messages; --", b"{{ 1/0 }}", b"\x1f\x8b",
           b" " * 70000, b"\xf4\x90\x80\x80", b"/*", b'"":', b"true", b"1."]  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from(["undefined", "null", "", "0", "-1", "Consumer", "Agent", "s1", "lines-1", "values-1", "NaN", "\0",
                     "\ud800", "2026-03-10 12:00:00.000+0000", str(AT), AT, AT // 1000, 10**30, 2**63, -(2**63) - 1,
                     "'; drop table raw.messages; --", "{{ env_var('HOME') }}", [], {}, [[]], [None], {"a": [1]}]),
)  # fmt: skip


def mutate(data: bytes, draw: Any) -> bytes:
    """One to four changes at random places."""
    for _ in range(draw(st.integers(1, 4))):
        size = len(data)
        begin = draw(st.integers(0, size))
        end = min(begin + draw(st.integers(0, 60)), size)
        match draw(st.sampled_from(("cut", "drop", "double", "splice", "flip", "swap"))):
            case "cut":
                data = data[:begin]
            case "drop":
                data = data[:begin] + data[end:]
            case "double":
                data = data[:end] + data[begin:end] + data[end:]
            case "splice":
                data = data[:begin] + draw(st.sampled_from(SPLICES)) + data[begin:]
            case "flip" if begin < size:
                data = data[:begin] + bytes([data[begin] ^ (1 << draw(st.integers(0, 7)))]) + data[begin + 1 :]
            case _:
                data = data[begin:] + data[:begin]
    return data


@st.composite
def damaged_bytes(draw: Any) -> dict[str, bytes]:
    """Good files with the bytes of one to three of them changed."""
    names = draw(st.lists(st.sampled_from(sorted(GOOD)), min_size=1, max_size=3, unique=True))
    return GOOD | {name: mutate(GOOD[name], draw) for name in names}


def places(value: Any, path: tuple = ()) -> Iterator[tuple]:
    """The paths to every value inside a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


@st.composite
def other_values(draw: Any) -> dict[str, bytes]:
    """Valid JSON with other values in other places: replaced, taken out, or doubled."""
    files = {}
    for name, records in RECORDS.items():
        made = json.loads(json.dumps(records))
        for _ in range(draw(st.integers(0, 3))):
            path = draw(st.sampled_from(list(places(made))))
            holder = made
            for key in path[:-1]:
                holder = holder[key]
            if draw(st.booleans()):
                holder[path[-1]] = draw(VALUES)
            else:
                del holder[path[-1]]
            if not list(places(made)):
                break
        texts = [json.dumps(record, allow_nan=False, default=str) for record in made if _is_json(record)]
        files[name] = lines(*texts)
    return GOOD | files


def _is_json(record: Any) -> bool:
    try:
        json.dumps(record, allow_nan=False)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def ledger(scratch: Scratch, home: Path, files: dict[str, bytes]) -> Small:
    shutil.rmtree(home / "landing", ignore_errors=True)
    small = Small.at(scratch, home)
    one_site(small.settings.landing)
    for name, data in files.items():
        path = small.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return small


def unaccounted(small: Small) -> list[tuple]:
    """Contents whose records are not its rows and its rejects."""
    return small.rows("""
        with held as (
            select content_id from raw.messages
            union all select content_id from raw.cobrowse_sessions
            union all select content_id from raw.function_invocations
            union all select content_id from raw.platform_users
            union all select content_id from raw.support_case_events
            union all select content_id from raw.rejected_records
        ),
        counted as (select content_id, count(*) as records from held group by content_id)
        select contents.* from raw.landing_contents as contents left join counted using (content_id)
        where contents.feed <> 'reference' and contents.records <> coalesce(counted.records, 0)
    """)


@settings(max_examples=often(25, 4000), suppress_health_check=list(hypothesis.HealthCheck), deadline=None)
@given(damaged_bytes())
def test_no_bytes_stop_the_loader(scratch: Scratch, home: Path, files: dict[str, bytes]) -> None:
    small = ledger(scratch, home, files)
    small.load()
    assert unaccounted(small) == []
    present = {path for (path,) in small.rows("select path from raw.landing_files")}
    assert present >= set(files)
    untouched = [name for name in files if files[name] == GOOD[name]]
    listed = {name for (name,) in small.rows(
        "select distinct path from raw.landing_files join raw.rejected_records using (content_id)")}  # fmt: skip
    assert not listed.intersection(untouched)


@settings(max_examples=often(3, 400), suppress_health_check=list(hypothesis.HealthCheck), deadline=None)
@given(damaged_bytes())
def test_damaged_bytes_never_break_the_books(scratch: Scratch, home: Path, files: dict[str, bytes]) -> None:
    assert ledger(scratch, home, files).run().imbalances() == []


@settings(max_examples=often(6, 1000), suppress_health_check=list(hypothesis.HealthCheck), deadline=None)
@given(other_values())
def test_other_values_are_read_as_the_oracle_reads_them(scratch: Scratch, home: Path, files: dict[str, bytes]) -> None:
    small = ledger(scratch, home, files).run()
    assert small.imbalances() == []
    assert small.oracle_differences() == []
