"""SPEC 6: what is planted in a payload is nowhere under LEDGER_HOME outside landing/, and consumers have pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import json
import zipfile
from pathlib import Path

import duckdb

import demo
from end_to_end.story_demo import Demo
from end_to_end.story_private import (
    CANARY,
    CONSUMERS,
    KEY,
    SITE,
    Private,
    files_with,
    parquet_with,
    planted,
    values_with,
)


def test_no_canary_is_in_any_byte_outside_landing(private_story: Private) -> None:
    home = private_story.home
    landed = [path for path in home.landing.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert len(landed) > 8
    assert private_story.run.status == 0, str(private_story.run)
    assert files_with(home.folder, [CANARY]) == []
    assert files_with(home.lab.temporary, [CANARY], without="") == []
    assert CANARY not in private_story.run.messages + private_story.run.output


def test_no_canary_is_in_any_value(private_story: Private) -> None:
    home = private_story.home
    assert values_with(home.folder / "warehouse.duckdb", [CANARY]) == []
    assert values_with(home.published, [CANARY]) == []
    assert parquet_with(home.folder, [CANARY]) == []


def test_damaged_records_with_canaries_are_listed_without_them(private_story: Private) -> None:
    rows = private_story.home.query("select feed, file, reason, record_hash from quality.fct_rejected_records")
    feeds = {"messaging_interactions", "function_invocations", "platform_users", "support_cases", "reference"}
    assert {row[0] for row in rows} == feeds
    assert len([row for row in rows if row[1].endswith("damaged.jsonl.gz")]) >= 6
    assert all(len(row[3]) == 64 for row in rows)


def test_nothing_personal_of_the_demo_is_kept(demo_story: Demo) -> None:
    words = list(demo.MARKERS)
    assert files_with(demo_story.home.folder, words) == []
    assert values_with(demo_story.home.folder / "warehouse.duckdb", words) == []
    assert values_with(demo_story.home.published, words) == []
    assert parquet_with(demo_story.home.folder, words) == []


def test_consumers_are_stored_only_under_the_key(private_story: Private) -> None:
    wanted = {hmac.new(KEY.encode(), name.encode(), hashlib.sha256).hexdigest() for name in CONSUMERS}
    rows = private_story.home.query(
        f"select distinct relationship_id from usage.fct_daily_active_relationships where site_id = '{SITE}'"
    )
    assert {row[0] for row in rows} == wanted


def test_the_key_is_nowhere(private_story: Private) -> None:
    home = private_story.home
    words = [KEY, KEY.encode().hex(), hashlib.sha256(KEY.encode()).hexdigest()]
    assert files_with(home.folder, words) == []
    assert values_with(home.folder / "warehouse.duckdb", words) == []
    assert all(KEY not in answer.messages + answer.output for answer in (private_story.run, private_story.other_key))


def test_another_key_or_none_stops_the_run(private_story: Private) -> None:
    for answer, words in ((private_story.other_key, "under another LEDGER_PSEUDONYM_KEY"),
                          (private_story.no_key, "none is set now")):  # fmt: skip
        assert answer.status == 1, str(answer)
        assert words in answer.last_line
        assert "Traceback" not in answer.messages


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute(f"create table t as select 1 as n, ['x', 'a {CANARY} b'] as texts")
        connection.execute(f"copy t to '{tmp_path / 'b.parquet'}'")
    (tmp_path / "c.html").write_text(f"<p>{CANARY}</p>")
    with zipfile.ZipFile(tmp_path / "d.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("sheet.xml", f"<c>{CANARY}</c>" * 9)
    assert values_with(tmp_path / "a.duckdb", [CANARY]) == ["main.t.texts: 1 values"]
    assert len(parquet_with(tmp_path, [CANARY])) == 1
    hits = files_with(tmp_path, [CANARY])
    assert {name for name in ("c.html", "d.xlsx") if any(hit.startswith(name) for hit in hits)} == {"c.html", "d.xlsx"}
    assert json.dumps(planted({"info": {"source": "SMS", "latestAgentNickname": "n"}})).count(CANARY) == 1
