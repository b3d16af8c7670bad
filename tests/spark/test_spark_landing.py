"""Landing files loaded by Spark and by DuckDB: every raw table is the same, row by row, and so is every reject.

Needs the environment of `make test-spark` (pyspark). Content ids are compared as the paths that carry the content.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyspark", reason="make test-spark has it")

from trust.damages import DAMAGES, MARKER, call, lines, talk

import demo
from orchestration.event_feeds import FEEDS
from orchestration.records import DETAILS
from orchestration.settings import LedgerError, Settings, hmac_blocks
from orchestration.spark import layout, parsing
from orchestration.spark.load_part import figures
from orchestration.spark.loader import SparkLoad, register_key
from orchestration.suites import read_suite
from spark.both_engines import Loaded, load_both, plain
from spark.odd_files import odd_files
from spark.sessions import local_session

TABLES = sorted(layout.raw_tables())
KEY = b"a key that must not show"


@pytest.fixture(scope="session")
def spark() -> Any:
    return local_session()


def write(home: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = home / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.fixture(scope="module")
def loaded(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """The demo's files, every kind of damage, and what tells two JSON readers apart."""
    home = tmp_path_factory.mktemp("both engines [a]")
    demo.write_landing(home / "landing")
    demo.write_late(home / "landing")
    for damage in DAMAGES:
        write(home, damage.files)
    write(home, odd_files())
    both = load_both(spark, home)
    yield both
    both.connection.close()


@pytest.fixture(scope="module")
def pseudonymised(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """A few files under a key; one record must be read again."""
    home = tmp_path_factory.mktemp("keyed")
    hurt = talk("person", 3)
    del hurt["messageRecords"][1]["messageId"]
    write(home, {"messaging_interactions/a.jsonl": lines(talk("person", 1), talk("person", 2), hurt),
                 "function_invocations/b.jsonl": lines(call("person"))})  # fmt: skip
    both = load_both(spark, home, KEY)
    yield both
    both.connection.close()


@pytest.mark.parametrize("table", TABLES)
def test_a_raw_table_is_the_same_from_both_engines(table: str, loaded: Loaded) -> None:
    assert loaded.differences(table) == []
    rows = loaded.rows(f"select count(*) from duck.{table}")[0][0]
    assert loaded.counts[table] == rows


def test_there_was_something_to_compare(loaded: Loaded) -> None:
    assert loaded.counts["messages"] > 34_000
    reasons, rejects = loaded.rows("select count(distinct reason), count(*) from spark.rejected_records")[0]
    assert reasons > 30 and rejects > 100
    tables = {*layout.FEED_TABLES, *layout.SHARED_TABLES}
    assert {table for table in tables if not loaded.counts[table]} == {"removed_conversations"}


def test_a_reject_has_the_file_line_and_reason_of_its_damage(loaded: Loaded) -> None:
    known = set(DETAILS)
    for damage in DAMAGES:
        listed = loaded.rows(
            "select record_index, item_index, reason from spark.rejected_records "
            f"where content_id like '{damage.pattern}' order by all"
        )
        expected = sorted(
            (reject for reject in damage.rejects if reject[2] in known), key=lambda row: (row[0] or 0, row[1] or 0)
        )
        assert sorted(listed, key=lambda row: (row[0] or 0, row[1] or 0)) == expected, damage.name


def test_content_ids_follow_from_the_contents_alone(loaded: Loaded) -> None:
    ids = loaded.rows(
        "select content_id, feed, format, sha256 from parquet.landing_contents where feed <> 'reference' order by 1"
    )
    by_bucket = sorted(ids, key=lambda row: (row[3][:3], row[3], row[1], row[2]))
    assert [row[0] for row in by_bucket] == list(range(ids[0][0], ids[0][0] + len(ids)))
    same = loaded.rows("select content_id from parquet.landing_files where path like '%/same/%'")
    assert len(same) == 3 and len(set(same)) == 1


def test_event_tables_lie_in_months_of_utc(loaded: Loaded) -> None:
    folders = {path.name for path in (loaded.folder / "messages").iterdir() if path.is_dir()}
    assert {"utc_month=2026-03", "utc_month=none", "utc_month=implausible"} <= folders
    wrong = loaded.rows(f"""
        select count(*) from read_parquet('{plain(loaded.folder)}/messages/**/*.parquet', hive_partitioning = true)
        where utc_month <> {layout.month_in_duckdb("sent_at")}""")
    assert wrong == [(0,)]


def test_the_first_gates_controls_of_events_count_the_same_on_spark(spark: Any, loaded: Loaded) -> None:
    suite = read_suite(Settings.from_environment({}), "loaded", [])
    controls = {one.name: one.rows for one in suite.controls if layout.events_of(one.rows)}
    assert len(controls) == 4
    # As they are, they list nothing; turned round, all that is right.
    turned = {
        f"not {name}": rows.replace("= ''", "<> ''").replace("not exists", "exists") for name, rows in controls.items()
    }
    counted = figures(spark, str(loaded.folder), controls | turned)
    for name, rows in (controls | turned).items():
        query = rows.replace("raw.", "spark.")
        assert [(counted[name],)] == loaded.rows(f"select count(*) from ({query}\n)"), name
        assert (counted[name] > 0) is name.startswith("not "), name


def test_no_content_is_written_and_the_work_is_gone(loaded: Loaded) -> None:
    assert {path.name for path in loaded.folder.parent.iterdir()} == {"raw", "reference"}
    texts = [
        f"select count(*) from spark.{table} where contains(\"{name}\", '{MARKER}')"
        for table, columns in layout.raw_tables().items()
        for name, data_type in columns
        if data_type == "VARCHAR"
    ]
    assert loaded.rows(f"select sum(n) from ({' union all '.join(texts)}) as found (n)") == [(0,)]


def test_spark_reads_the_files_with_the_types_that_the_layout_says(spark: Any, loaded: Loaded) -> None:
    described = json.loads((loaded.folder / layout.LAYOUT_FILE).read_text(encoding="utf-8"))["tables"]
    assert sorted(described) == TABLES
    for table, columns in layout.raw_tables().items():
        written = spark.read.parquet(str(loaded.folder / table).replace("[", "\\[").replace("]", "\\]"))
        types = [(field.name, field.dataType.simpleString()) for field in written.schema]
        expected = [(name, layout.spark_type(data_type)) for name, data_type in columns]
        assert types == expected + ([(layout.MONTH, "string")] if table in layout.MOMENTS else [])
        assert described[table]["spark_schema"] == ", ".join(f"`{name}` {kind}" for name, kind in types)
        assert described[table]["rows"] == written.count() == loaded.counts[table]


@pytest.mark.parametrize("table", TABLES)
def test_under_a_key_the_tables_are_the_same_too(table: str, pseudonymised: Loaded) -> None:
    assert pseudonymised.differences(table) == []


def test_a_consumers_id_is_its_hmac_and_an_agents_is_not(pseudonymised: Loaded) -> None:
    ids = {f"person-{number}-k" for number in (1, 2, 3)}
    hashed = {(hmac.new(KEY, one.encode(), hashlib.sha256).hexdigest(),) for one in ids}
    consumers = "select distinct participant_id from spark.{} "
    assert set(pseudonymised.rows(consumers.format("messages") + "where sender_side = 'consumer'")) == hashed
    assert set(pseudonymised.rows(consumers.format("consumer_participants"))) == hashed
    agents = pseudonymised.rows(consumers.format("messages") + "where sender_side = 'agent'")
    assert agents and not set(agents) & hashed and {row[0] for row in agents} <= {"a1", "a2", "agent"}
    assert pseudonymised.counts["rejected_records"] == 1
    for file in pseudonymised.folder.rglob("*.parquet"):
        assert not any(one.encode() in file.read_bytes() for one in ids)


def test_no_plan_shows_the_key(spark: Any) -> None:
    register_key(spark, KEY)
    feed = FEEDS["messaging_interactions"]
    cut = spark.createDataFrame([(1, 1, "{}")], "content_id bigint, record_index bigint, text string")
    cut.createOrReplaceTempView("cut")
    frame = spark.sql(parsing.judged(feed, parsing.records_in_lines(feed), True))
    assert frame.count() == 1
    plan = frame._jdf.queryExecution().toString()
    assert "hmac_inner" in plan
    for secret in (KEY, *hmac_blocks(KEY)):
        numbers = str(list(secret))[1:60]
        for form in (secret.hex(), base64.b64encode(secret).decode(), secret.decode("latin-1"), numbers):
            assert form.lower() not in plan.lower()


def test_a_reference_part_under_another_key_stops_the_load(spark: Any, pseudonymised: Loaded) -> None:
    home = pseudonymised.folder.parents[1]
    load = SparkLoad(spark, str(home / "landing"), str(home / "spark/reference"), str(home / "other"))
    with pytest.raises(LedgerError, match="LEDGER_PSEUDONYM_KEY"):
        load.run()
    load.reference = str(home / "nowhere")
    with pytest.raises(LedgerError, match="--reference-only"):
        load.run()
    assert not (home / "other").exists()


def test_a_name_that_spark_takes_for_hidden_stops_the_load(spark: Any, pseudonymised: Loaded) -> None:
    home = pseudonymised.folder.parents[1]
    hidden = home / "landing" / "messaging_interactions" / "_july" / "a.jsonl"
    hidden.parent.mkdir()
    try:
        hidden.write_bytes(lines(talk("hidden")))
        load = SparkLoad(spark, str(home / "landing"), str(home / "spark/reference"), str(home / "other"),
                         pseudonym_key=KEY)  # fmt: skip
        with pytest.raises(LedgerError, match="underscore"):
            load.run()
    finally:
        hidden.unlink()
        hidden.parent.rmdir()
    assert not (home / "other").exists()
