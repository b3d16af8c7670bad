"""published/finance.duckdb: whole, equal to the marts, explained, and replaced at once."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest
from house import build_marts, change, make_settings, published, query

from orchestration import publication
from orchestration.publication import publish, published_file
from orchestration.settings import LedgerError, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_settings(tmp_path)
    build_marts(made)
    return made


def quiet(_: str) -> None:
    """A log that nobody reads."""


def test_every_table_and_column_arrives_in_order_and_explained(settings: Settings) -> None:
    tables = published(settings)
    contents = publish(settings, tables, quiet)
    file = published_file(settings)
    assert query(file, "select invoice_line_id from billing.fct_invoice_lines") == [
        ("line-0",), ("line-1",), ("line-2",), ("line-3",)
    ]  # fmt: skip
    assert contents["billing.fct_invoice_lines"].rows == 4
    assert query(file, "select count(*) from duckdb_columns() where not internal and coalesce(comment, '') = ''") == [
        (0,)
    ]
    assert query(file, "select comment from duckdb_tables() where table_name = 'fct_periods'") == [
        ("One row per fct_periods.",)
    ]
    assert query(file, "select data_type from duckdb_columns() where column_name = 'as_of'") == [
        ("TIMESTAMP WITH TIME ZONE",)
    ]
    assert [path.name for path in settings.published.iterdir()] == ["finance.duckdb"]


def test_the_same_rows_keep_the_file_and_its_hashes(settings: Settings) -> None:
    tables = published(settings)
    first = publish(settings, tables, quiet)
    inode = published_file(settings).stat().st_ino
    assert publish(settings, tables, quiet) == first
    assert published_file(settings).stat().st_ino == inode
    published_file(settings).unlink()
    build_marts(settings)  # written anew: another file, the same content
    assert publish(settings, tables, quiet) == first


@pytest.mark.parametrize(
    "sql",
    [
        "update billing.fct_invoice_lines set amount = amount + 0.0001 where invoice_line_id = 'line-1'",
        "update billing.fct_invoice_lines set description = null where invoice_line_id = 'line-1'",
        "update billing.fct_invoice_lines set description = '' where invoice_line_id = 'line-1'",
        "delete from billing.fct_periods where state = 'closed'",
    ],
)
def test_another_row_is_another_hash(settings: Settings, sql: str) -> None:
    tables = published(settings)
    first = publish(settings, tables, quiet)
    change(settings, sql)
    assert publish(settings, tables, quiet) != first


def test_texts_do_not_run_into_each_other(settings: Settings) -> None:
    change(
        settings,
        "create or replace table billing.fct_periods as select 'a' || chr(31) || '1:b' as period, 'c' as state",
    )
    tables = published(settings)
    first = publish(settings, tables, quiet)
    change(
        settings,
        "create or replace table billing.fct_periods as select 'a' as period, 'b' || chr(31) || '1:c' as state",
    )
    assert publish(settings, tables, quiet)["billing.fct_periods"] != first["billing.fct_periods"]


def test_a_changed_comment_is_published(settings: Settings) -> None:
    tables = published(settings)
    publish(settings, tables, quiet)
    renamed = [table.__class__(table.schema, table.name, table.key, "Anew.", table.columns) for table in tables]
    publish(settings, renamed, quiet)
    comments = query(published_file(settings), "select distinct comment from duckdb_tables()")
    assert comments == [("Anew.",)]


def test_a_macro_of_other_text_or_comment_is_published(settings: Settings) -> None:
    tables = published(settings)
    file, macro = published_file(settings), settings.project_root / "orchestration/published_macros/lines_of.sql"
    publish(settings, tables, quiet)
    assert query(file, "select invoice_line_id from lines_of('inv-2')") == [("line-3",)]
    inode, text = file.stat().st_ino, macro.read_text()
    publish(settings, tables, quiet)
    assert file.stat().st_ino == inode, "unchanged macros were written again"
    macro.write_text(text.replace("invoice_id = id", "invoice_line_id = id"))
    publish(settings, tables, quiet)
    assert query(file, "select invoice_id from lines_of('line-3')") == [("inv-2",)]
    macro.write_text(macro.read_text().replace("The lines", "All lines"))
    publish(settings, tables, quiet)
    comments = query(file, "select comment from duckdb_functions() where function_name = 'lines_of'")
    assert comments == [("All lines of an invoice.",)]
    with duckdb.connect(str(file)) as other:
        other.execute("create or replace macro lines_of(id) as table select 'forged' as invoice_line_id")
        other.execute("comment on macro table lines_of is 'All lines of an invoice.'")
    publish(settings, tables, quiet)
    assert query(file, "select invoice_id from lines_of('line-3')") == [("inv-2",)]


@pytest.mark.parametrize("text", [None, "create macro lines_of(id) as table select 1", "-- Words.\nselect 1"])
def test_a_macro_that_cannot_be_read_stops_publication(settings: Settings, text: str | None) -> None:
    macro = settings.project_root / "orchestration/published_macros/lines_of.sql"
    macro.write_text(text) if text else macro.unlink()
    with pytest.raises(LedgerError, match="macro"):
        publish(settings, published(settings), quiet)
    assert not published_file(settings).exists()


@pytest.mark.parametrize("way", ["_write", "_rewrite"])
def test_a_copy_that_is_not_equal_is_not_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    tables = published(settings)
    publish(settings, tables, quiet)
    before = published_file(settings).read_bytes()
    change(settings, "update billing.fct_invoice_lines set amount = amount + 1")
    if way == "_write":  # other columns: the present file is not taken over
        change(settings, "alter table billing.fct_periods add column more integer")
    write = getattr(publication, way)

    def write_less(connection: duckdb.DuckDBPyConnection, path: Path, *those: list) -> None:
        write(connection, path, *those)
        with duckdb.connect(str(path)) as other:
            other.execute("delete from billing.fct_invoices where currency_code = 'JPY'")

    monkeypatch.setattr(publication, way, write_less)
    with pytest.raises(LedgerError, match=r"billing\.fct_invoices differs"):
        publish(settings, tables, quiet)
    assert published_file(settings).read_bytes() == before
    assert [path.name for path in settings.published.iterdir()] == ["finance.duckdb"]


def test_a_table_that_is_missing_is_named(settings: Settings) -> None:
    tables = published(settings)
    change(settings, "drop table billing.fct_periods")
    with pytest.raises(LedgerError, match=r"no table billing\.fct_periods"):
        publish(settings, tables, quiet)


def test_what_a_dead_run_left_is_removed(settings: Settings) -> None:
    settings.published.mkdir(parents=True)
    (settings.published / "finance.duckdb.tmp-1").write_bytes(b"half")
    (settings.published / "finance.duckdb.tmp-1.wal").write_bytes(b"half")
    publish(settings, published(settings), quiet)
    assert [path.name for path in settings.published.iterdir()] == ["finance.duckdb"]


def test_a_broken_present_file_is_replaced(settings: Settings) -> None:
    settings.published.mkdir(parents=True)
    published_file(settings).write_bytes(b"not a database")
    publish(settings, published(settings), quiet)
    assert query(published_file(settings), "select count(*) from billing.fct_invoice_lines") == [(4,)]


def test_a_reader_keeps_the_old_file_and_blocks_nobody(settings: Settings) -> None:
    tables = published(settings)
    publish(settings, tables, quiet)
    seen: set[int] = set()
    failures: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                rows = query(
                    published_file(settings), "select count(*), count(distinct amount) from billing.fct_invoice_lines"
                )
                seen.add(rows[0][0])
            except duckdb.Error as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(5):
            change(
                settings,
                f"insert into billing.fct_invoice_lines (invoice_line_id, amount) values ('more-{number}', {number})",
            )
            publish(settings, tables, quiet)
    finally:
        stop.set()
        reader.join()
    assert not failures
    assert seen <= set(range(4, 10))
    assert query(published_file(settings), "select count(*) from billing.fct_invoice_lines") == [(9,)]


def test_a_folder_that_cannot_be_written_is_named(settings: Settings) -> None:
    settings.home.mkdir(exist_ok=True)
    settings.published.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(LedgerError, match="cannot be written"):
        publish(settings, published(settings), quiet)
