"""LEDGER_LOADER=spark: what the warehouse takes over from Spark's loader, and that nothing is built of what it has not.

Neither Java nor Spark is needed here: what Spark leaves behind is laid down by the export of the same tables. That both
loaders give the same rows, and runs with either the same books, is `make test-spark`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import demo
from orchestration import gates
from orchestration.landing import load_landing
from orchestration.reference import load_reference
from orchestration.settings import LedgerError, Settings, connect, parse_loader, parse_period
from orchestration.spark import build, export, layout, loading
from orchestration.state import Built, is_loaded_by_spark, read_built, write_built, write_run_settings
from orchestration.verification import verify
from orchestration.zones import load_zone_offsets, tzdata_version

PERIOD = parse_period("2026-03")
NUMBERS = ("content_id", "conversation_copy_id")
FIGURES = {
    "a_feed_with_files_has_rows": 0,
    "keys_of_messages_are_stated": 0,
    "keys_of_invocations_are_stated": 0,
    "keys_of_case_events_are_stated": 0,
}


def quiet(_: str) -> None:
    """No log."""


def contents(settings: Settings) -> dict[str, list[tuple]]:
    """The feeds' raw tables, without the numbers that differ from load to load."""
    with connect(settings, read_only=True) as connection:
        found = {}
        for table in (*layout.FEED_TABLES, *layout.SHARED_TABLES):
            names = [name for name, _ in layout.raw_tables()[table] if name not in NUMBERS]
            listed = ", ".join(f'"{name}"' for name in names)
            found[table] = connection.execute(f"select {listed} from raw.{table} order by all").fetchall()
        return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The demo's first files, loaded by DuckDB and exported: what Spark's loader would leave."""
    made = Settings.from_environment(
        {"LEDGER_HOME": str(tmp_path), "LEDGER_AS_OF": demo.AS_OF_CLOSE, "LEDGER_ENGINE": "spark"}
    )
    demo.write_landing(made.landing)
    with connect(made) as connection:
        load_reference(connection, made, quiet)
        load_landing(connection, made, quiet)
        load_zone_offsets(connection)
        write_run_settings(connection, made, PERIOD, tzdata_version())
    export.export_raw(made)
    return made


def load(settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]) -> list[Any]:
    """Load as a run does, with Spark's answer given."""
    monkeypatch.setattr(build, "start", lambda *_: answer)
    with connect(settings) as connection:
        load_reference(connection, settings, quiet)
        return loading.load_landing_on_spark(connection, settings, quiet)


def test_the_loader_is_set_beside_its_engine() -> None:
    assert [parse_loader(text, "spark") for text in (None, "duckdb", " Spark ")] == ["duckdb", "duckdb", "spark"]
    with pytest.raises(LedgerError, match="'flink': write duckdb or spark"):
        parse_loader("flink", "spark")
    with pytest.raises(LedgerError, match="set LEDGER_ENGINE=spark as well"):
        Settings.from_environment({"LEDGER_LOADER": "spark"})


def test_the_manifest_comes_over_and_no_event_does(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(settings)
    lost = settings.landing / "reference" / "credits.csv"
    summaries = load(settings, monkeypatch, {"figures": FIGURES})
    after = contents(settings)
    for table in layout.SHARED_TABLES:
        assert after[table] == before[table] and after[table], table
    assert not any(after[table] for table in layout.FEED_TABLES)
    assert {one.feed: (one.files, one.new, one.removed) for one in summaries}["function_invocations"] == (5, 0, 0)
    assert sum(one.rejects for one in summaries) == 6
    # Reference files are DuckDB's: what Spark knew of them when it read does not come back.
    lost.unlink()
    load(settings, monkeypatch, {"figures": FIGURES})
    with connect(settings, read_only=True) as connection:
        found = connection.execute("select count(*) from raw.landing_files where path like '%credits%'").fetchall()
    assert found == [(0,)]


def test_duckdb_loads_all_of_it_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(settings)
    load(settings, monkeypatch, {"figures": FIGURES})
    with connect(settings) as connection:
        loading.forget_spark(connection)
        assert not is_loaded_by_spark(connection)
        load_landing(connection, settings, quiet)
        load_reference(connection, settings, quiet)
    assert contents(settings) == before


def test_nothing_is_built_of_empty_tables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(settings) as connection:
        write_built(connection, Built("of other numbers", "x"))
    load(settings, monkeypatch, {"figures": FIGURES})
    with connect(settings) as connection:
        assert read_built(connection) is None
        loading.require_events(connection, settings)
        with pytest.raises(LedgerError, match="LEDGER_ENGINE is `duckdb` now: run `make run"):
            loading.require_events(connection, Settings(home=settings.home, as_of=settings.as_of))
    with pytest.raises(LedgerError, match="Spark has loaded the landing files itself"):
        export.export_raw(settings)


def test_verify_rehashes_what_spark_loaded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    load(settings, monkeypatch, {"figures": FIGURES})
    with connect(settings) as connection:
        connection.execute("update raw.landing_files set mtime_ns = mtime_ns // 1000000 * 1000000")
        ((path, files),) = connection.execute(
            "select min(path) filter (feed <> 'reference'), count(*) from raw.landing_files"
        ).fetchall()
    assert re.search(rf"landing files +{files} +bytes are as loaded\n", verify(settings))
    file = settings.landing / path
    stat = file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(LedgerError, match="other bytes than were loaded"):
        verify(settings)


def test_a_load_that_failed_says_why_and_changes_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(settings)
    with pytest.raises(LedgerError, match="rename it and run again"):
        load(settings, monkeypatch, {"error": "landing/_a begins with an underscore: rename it and run again."})
    assert contents(settings) == before
    with connect(settings) as connection:
        assert not is_loaded_by_spark(connection)


def test_the_events_come_from_spark_and_the_rest_as_it_is_now(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(settings, monkeypatch, {"figures": FIGURES})
    export.export_raw(settings, is_reference_only=True)
    events, others = build._raw(settings, is_loaded_here=False)
    assert events["location"] == str(export.raw_folder(settings)) and "messages" in events["tables"]
    assert others["location"] == str(export.reference_folder(settings)) and "seals" in others["tables"]
    assert sorted({*events["tables"], *others["tables"]}) == sorted(layout.raw_tables())
    assert not events["tables"].keys() & others["tables"].keys()
    (export.raw_folder(settings) / layout.LAYOUT_FILE).unlink()
    with pytest.raises(LedgerError, match="holds no raw tables: run `make run"):
        build._raw(settings, is_loaded_here=False)


def test_spark_is_asked_what_the_first_gate_asks_of_events(settings: Settings) -> None:
    request = loading._request(settings)
    assert request["controls"].keys() == FIGURES.keys()
    assert json.loads(json.dumps(request)) == request
    assert not any("{policy}" in query for query in request["controls"].values())


@pytest.mark.parametrize(
    ("figures", "passes", "words"),
    [
        (FIGURES, True, ""),
        (FIGURES | {"keys_of_messages_are_stated": 3}, False, "keys_of_messages_are_stated on raw.messages: 3 rows"),
        ({"a_feed_with_files_has_rows": 0}, False, "Spark's loader has not counted it"),
    ],
)
def test_the_first_gate_judges_what_spark_counted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, figures: dict[str, int], passes: bool, words: str
) -> None:
    load(settings, monkeypatch, {"figures": figures})
    with connect(settings) as connection:
        gate = gates.run_gate(connection, settings, "loaded", PERIOD, "run", [])
    assert gate.passed is passes
    assert passes or words in gate.message()
