"""LEDGER_ENGINE: whose a table is, what is taken over from Spark, and what is said when Spark cannot run.

Neither Java nor Spark is needed here; that both engines give the same rows is `make test-spark`.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from engines.compare import Comparison, compare, written_differences

from orchestration import models
from orchestration.settings import LedgerError, Settings, connect, parse_engine
from orchestration.spark import build, sides

MODEL = "model.dar_ledger."


def _node(
    kind: str, name: str, engine: str = "", reads: tuple[str, ...] = (), **more: Any
) -> tuple[str, dict[str, Any]]:
    unique_id = f"{kind}.dar_ledger.{name}"
    config = {"meta": {"engine": engine} | more.pop("meta", {})}
    node = {"unique_id": unique_id, "resource_type": kind, "name": name, "schema": "s", "tags": [], "config": config}
    return unique_id, node | {"depends_on": {"nodes": [MODEL + parent for parent in reads]}} | more


MANIFEST = {
    "nodes": dict(
        [
            _node("seed", "rules", depends_on={}),
            _node("model", "events", "spark"),
            _node("model", "days", "spark", ("events",)),
            _node("model", "asked_for", "spark", meta={"is_edge": True}),
            _node("model", "fct_days", "spark", ("days",), tags=["published"]),
            _node("model", "checked", "spark", ("events",)),
            _node("model", "lines", "duckdb", ("days",)),
            _node("test", "events_are_unique", reads=("events",)),
            _node("test", "lines_tie_to_checked", reads=("lines", "checked")),
            _node("test", "rules_are_typed"),
        ]
    )
}


def test_a_test_that_reads_both_sides_is_duckdbs() -> None:
    spark, ours = (sides.names(MANIFEST, side(MANIFEST)) for side in (sides.spark_nodes, sides.duckdb_nodes))
    assert spark == ["asked_for", "checked", "days", "events", "fct_days", "rules", "events_are_unique"]
    assert ours == ["lines", "rules", "lines_tie_to_checked", "rules_are_typed"]


def test_the_edge_is_what_the_other_side_and_people_read() -> None:
    assert sides.edge_tables(MANIFEST) == ["s.asked_for", "s.checked", "s.days", "s.fct_days"]


def test_an_engine_that_is_none_is_refused() -> None:
    assert [parse_engine(text) for text in (None, "", " Spark ", "duckdb")] == ["duckdb", "duckdb", "spark", "duckdb"]
    with pytest.raises(LedgerError, match="'flink': write duckdb or spark"):
        Settings.from_environment({"LEDGER_ENGINE": "flink"})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"LEDGER_HOME": str(tmp_path), "LEDGER_SPARK_PYTHON": str(tmp_path / "python")})


def test_without_sparks_environment_the_remedy_is_said(settings: Settings) -> None:
    with pytest.raises(LedgerError, match=r"no .*python: run `make spark`"):
        build.start(settings, build.request_of(settings), print)


def test_a_part_that_dies_leaves_its_words(settings: Settings) -> None:
    settings.spark_python.write_text("#!/bin/sh\necho it ran out of everything >&2\nexit 3\n")
    settings.spark_python.chmod(0o755)
    with pytest.raises(LedgerError, match=r"spark\.log \(it ran out of everything\)|needs Java"):
        build.start(settings, build.request_of(settings), print)


@pytest.mark.parametrize(
    ("limit", "spark"), [("", "3814m"), ("4GiB", "4096m"), ("1.5 GB", "1430m"), ("100MB", "512m"), ("2TiB", "2097152m")]
)
def test_the_memory_limit_is_said_in_sparks_words(limit: str, spark: str) -> None:
    assert Settings.from_environment({"LEDGER_MEMORY_LIMIT": limit}).memory_limit_of_spark == spark


def _edge(settings: Settings, table: str, query: str) -> None:
    folder = build.edges_folder(settings) / table.replace(".", "/")
    folder.mkdir(parents=True)
    duckdb.sql(query).write_parquet(str(folder / "part-0.parquet"))


def test_edges_replace_tables_and_views_all_or_none(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute("create schema usage; create table usage.days as select 1 as day")
        connection.execute("create view usage.seen as select 2 as day")
    _edge(settings, "usage.days", "select 10 as day, timestamptz '2026-10-25 00:30:00+00' as happened_at")
    with pytest.raises(duckdb.IOException):
        build.import_edges(settings, ["usage.days", "usage.seen"])
    with connect(settings, read_only=True) as connection:
        assert connection.execute("from usage.days").fetchall() == [(1,)]
    _edge(settings, "usage.seen", "select 20 as day")
    with connect(settings) as connection:
        connection.execute("create table usage.of_duckdb as select 3 as day")
        connection.execute("create table usage.from_before as select 4 as day")
    build.import_edges(settings, ["usage.days", "usage.seen"], ["usage.days", "usage.seen", "usage.from_before"])
    with connect(settings, read_only=True) as connection:
        found = connection.execute("select day, epoch_ms(happened_at) from usage.days").fetchall()
        assert found == [(10, 1792888200000)]
        assert connection.execute("from usage.seen").fetchall() == [(20,)]
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'usage'").fetchall()
        assert {name for (name,) in tables} == {"days", "seen", "of_duckdb"}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ("select 'a' as k, 1.000001::decimal(18, 6) as q", "1 rows only in the first"),
        ("select 'a' as k, 1::decimal(18, 6) as q union all select 'a', 1", "1 rows only in the second"),
        ("select 'a' as k, 1::bigint as q", "columns differ"),
        ("select 'a' as k", "columns differ"),
        (None, "columns differ"),
    ],
)
def test_the_comparison_sees_every_difference(tmp_path: Path, other: str | None, words: str) -> None:
    files = [tmp_path / name for name in ("one.duckdb", "other.duckdb", "same.duckdb")]
    same = "select 'a' as k, 1::decimal(18, 6) as q"
    for file, query in zip(files, (same, other, same), strict=True):
        with duckdb.connect(str(file)) as connection:
            if query:
                connection.execute(f"create table t as {query}")
    (found,) = compare(files[0], files[1], ["main.t"]).differences
    assert words in found.words
    assert compare(files[0], files[2], ["main.t"]).differences == ()
    assert compare(files[0], files[2], ["main.t"]).rows == 1


@pytest.mark.parametrize(
    ("changed", "text", "found"),
    [
        ("sealed/2026-03/closed.json", '{"closed_by": "a", "closed_at": 2, "run_id": 2}', []),
        ("sealed/2026-03/closed.json", '{"closed_by": "b", "closed_at": 1, "run_id": 1}', ["2026-03/closed.json"]),
        ("sealed/2026-03/seal.json", "other", ["sealed/2026-03/seal.json"]),
        ("exports/2026-03/lines.csv", "other", ["exports/2026-03/lines.csv"]),
        ("exports/2026-03/more.csv", "more", ["exports/2026-03/more.csv"]),
    ],
)
def test_the_comparison_sees_what_was_sealed_and_exported(
    tmp_path: Path, changed: str, text: str, found: list[str]
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    files = {
        "sealed/2026-03/seal.json": "{}",
        "sealed/2026-03/closed.json": '{"closed_by": "a", "closed_at": 1, "run_id": 1}',
        "exports/2026-03/lines.csv": "x",
    }
    for name in files:
        (one / name).parent.mkdir(parents=True, exist_ok=True)
        (one / name).write_text(files[name])
    (one / "published").mkdir()
    with duckdb.connect(str(one / "published" / "finance.duckdb")) as connection:
        connection.execute("create table t as select 1 as k")
    shutil.copytree(one, other)
    assert written_differences(one, other) == Comparison(4, 4, ())
    (other / changed).write_text(text)
    assert [difference.table for difference in written_differences(one, other).differences] == found
    with duckdb.connect(str(other / "published" / "finance.duckdb")) as connection:
        connection.execute("insert into t values (2)")
    assert [one.table for one in written_differences(one, other).differences] == ["published main.t", *found]


def test_contents_of_two_loads_are_compared_by_their_paths(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.duckdb", "same.duckdb", "other.duckdb")]
    for file, numbers in zip(files, ((1, 2), (2, 1), (2, 2)), strict=True):
        with duckdb.connect(str(file)) as connection:
            connection.execute("create schema staging")
            connection.execute("create table staging.stg_landing__files (content_id int, path text)")
            connection.execute("insert into staging.stg_landing__files values (?, 'a'), (?, 'b')", numbers)
            connection.execute("create table t as select content_id from staging.stg_landing__files where path = 'b'")
    assert compare(files[0], files[1], ["main.t"], is_one_load=False).differences == ()
    assert compare(files[0], files[1], ["main.t"]).differences != ()
    assert compare(files[0], files[2], ["main.t"], is_one_load=False).differences != ()


def test_each_table_is_reported_once_after_what_it_reads(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*names: str) -> list[dict[str, Any]]:
        return [{"info": {"name": kind}, "table": table} for kind, table in (name.split() for name in names)]

    answer = {"failures": [], "seconds_by_node": {}, "work": {}}
    answer["events"] = said("LogSeedResult rules", "LogModelResult events")
    after = models.Build(said("LogSeedResult rules", "LogModelResult lines", "LogTestResult tie"))
    monkeypatch.setattr(build, "run_spark_part", lambda *_: answer)
    monkeypatch.setattr(models, "_build", lambda *_: after)
    monkeypatch.setattr(models, "read_manifest", lambda _: MANIFEST)
    done = models.build(replace(settings, engine="spark"))
    assert [event["table"] for event in done.events] == ["rules", "events", "lines", "tie"]
