"""`export-raw`: every raw row as Parquet, its types exact, months in UTC, and a folder that is whole or the old one."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from orchestration import __main__ as command_line
from orchestration.settings import LedgerError, Settings, connect
from orchestration.spark import export, layout

EVENTS = """
insert into raw.function_invocations (content_id, record_index, site_id, invocation_id, invoked_at, is_count_stated)
values (1, 1, 's', 'a', '2026-03-31 23:59:59.999999+00', false), (1, 2, 's', 'b', '2026-04-01 00:00:00+00', false),
       (1, 3, 's', 'c', null, true), (1, 4, 's', 'd', '1999-12-31 23:59:59+00', false),
       (1, 5, 's', 'e', '2100-01-01 00:00:00+00', false), (1, 6, 's', 'f', '0001-01-01 00:00:00+00', false);
insert into raw.platform_users (content_id, record_index, user_index, site_id, user_id, user_type)
values (2, 1, 1, 's', 'u', 2);
insert into raw.credits values (3, 1, 'k', 'c', '2026-03-01', 12345678901234.5678, 'USD', null, 'me');
insert into raw.landing_contents values
    (1, 'function_invocations', 'jsonl', 'aa', 1, 6, 0, null, null, '2'),
    (3, 'reference', 'csv', 'bb', 1, 1, 1, null, null, '2');
insert into raw.rejected_records values (1, 1, null, 'line', 'broken_json', null, 'x'),
    (3, 1, null, 'row', 'broken', null, 'y');
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "home"))
    settings = Settings.from_environment()
    with connect(settings) as connection:
        connection.execute(EVENTS)
    return settings


def rows(sql: str) -> list[tuple]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql).fetchall()


def test_every_row_of_every_table_is_there_with_its_type(settings: Settings) -> None:
    export.export_raw(settings)
    folder = export.raw_folder(settings)
    with connect(settings, read_only=True) as connection:
        tables = layout.columns_in(connection)
        assert tables == layout.raw_tables()
        for name, columns in tables.items():
            files = f"{folder}/{name}/**/*.parquet"
            if not list((folder / name).rglob("*.parquet")):
                assert connection.execute(f"select count(*) from raw.{name}").fetchall() == [(0,)]
                assert name in layout.MOMENTS
                continue
            listed = ", ".join(f'"{column}"' for column, _ in columns)
            written = f"select {listed} from read_parquet('{files}')"
            assert [row[1] for row in connection.execute(f"describe {written}").fetchall()] == [
                data_type for _, data_type in columns
            ]
            for one, other in ((f"from raw.{name}", written), (written, f"from raw.{name}")):
                assert connection.execute(f"({one}) except all ({other})").fetchall() == [], name


def test_months_are_those_of_utc_and_odd_instants_have_their_own(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute("set TimeZone = 'Pacific/Kiritimati'")  # 14 hours ahead: the session's zone is not asked
        month = layout.month_in_duckdb("invoked_at")
        said = connection.execute(f"select invocation_id, {month} from raw.function_invocations order by 1").fetchall()
    assert said == [("a", "2026-03"), ("b", "2026-04"), ("c", "none"), *((name, "implausible") for name in "def")]
    (invocations,) = [one for one in export.export_raw(settings) if one.name == "function_invocations"]
    assert (invocations.rows, invocations.months) == (6, 4)
    folder = export.raw_folder(settings) / "function_invocations"
    assert {path.name for path in folder.iterdir()} == {
        f"utc_month={month}" for month in ("2026-03", "2026-04", "none", "implausible")
    }


def test_a_second_export_replaces_the_first(settings: Settings) -> None:
    export.export_raw(settings)
    with connect(settings) as connection:
        connection.execute("delete from raw.function_invocations where invocation_id <> 'b'")
    export.export_raw(settings)
    folder = export.raw_folder(settings)
    assert rows(f"select invocation_id from read_parquet('{folder}/function_invocations/**/*.parquet')") == [("b",)]
    assert [path.name for path in folder.parent.iterdir()] == ["raw"]
    described = json.loads((folder / layout.LAYOUT_FILE).read_text(encoding="utf-8"))["tables"]
    assert described["function_invocations"]["rows"] == 1
    assert described["credits"]["spark_schema"].count("decimal(18,4)") == 1


def test_an_export_that_dies_leaves_the_old_folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    export.export_raw(settings)
    folder = export.raw_folder(settings)
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_write_table", full)
    with pytest.raises(LedgerError, match="old folder stays"):
        export.export_raw(settings)
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before
    assert [path.name for path in folder.parent.iterdir()] == ["raw"]


def test_a_folder_moved_aside_by_a_killed_export_comes_back(settings: Settings, tmp_path: Path) -> None:
    export.export_raw(settings)
    folder = export.raw_folder(settings)
    folder.rename(folder.with_name("raw" + export.REPLACED))
    assert export._fresh_partial(folder) == folder.with_name("raw" + export.PARTIAL)
    assert (folder / layout.LAYOUT_FILE).is_file()


def test_the_reference_part_holds_nothing_of_the_feeds(settings: Settings) -> None:
    exported = {one.name: one.rows for one in export.export_raw(settings, is_reference_only=True)}
    assert not set(layout.FEED_TABLES) & set(exported)
    assert (exported["credits"], exported["landing_contents"], exported["rejected_records"]) == (1, 1, 1)
    folder = export.reference_folder(settings)
    assert rows(f"select reason from '{folder}/rejected_records/part-0.parquet'") == [("broken",)]


def test_a_load_that_did_not_end_is_not_exported(settings: Settings) -> None:
    with connect(settings) as connection:
        connection.execute("create schema ledger")
        connection.execute("create table ledger.state as select 'loading' as stage, 'r' as run_id")
    with pytest.raises(LedgerError, match="did not end"):
        export.export_raw(settings)
    assert not export.raw_folder(settings).exists()


def test_a_type_that_spark_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="HUGEINT"):
        layout.spark_type("HUGEINT")
    assert layout.spark_type("DECIMAL(38,15)") == "decimal(38,15)"


def test_the_command_says_what_it_wrote(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["export-raw"]) == 0
    shown = capsys.readouterr().out
    assert "function_invocations" in shown and f"{len(layout.raw_tables())} tables" in shown
    assert command_line.main(["export-raw", "--reference-only"]) == 0
    assert f"{len(layout.raw_tables()) - len(layout.FEED_TABLES)} tables" in capsys.readouterr().out


def test_without_a_warehouse_the_command_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "empty"))
    assert command_line.main(["export-raw"]) == 1
    assert "make run" in capsys.readouterr().err
