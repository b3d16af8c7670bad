"""DuckDB's raw tables as Parquet for Spark: `python -m orchestration export-raw`.

What belongs here: writing the folder beside the old one and putting it in its place. What does not: the layout
(layout.py), Spark (loader.py). Rows stream from the warehouse to the files; no table is held in memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.content import literal, quoted
from orchestration.settings import LedgerError, Settings, connect
from orchestration.spark import layout
from orchestration.state import is_loaded_by_spark

PARTIAL, REPLACED = ".partial", ".replaced"


@dataclass(frozen=True)
class ExportedTable:
    """What was written of one table."""

    name: str
    rows: int
    months: int | None  # None: not partitioned
    files: int
    size_bytes: int


def raw_folder(settings: Settings) -> Path:
    """Where the raw tables lie for Spark."""
    return settings.home / "spark" / "raw"


def reference_folder(settings: Settings) -> Path:
    """Where the part lies that Spark's own loader adds to what it reads."""
    return settings.home / "spark" / "reference"


def export_raw(settings: Settings, is_reference_only: bool = False) -> list[ExportedTable]:
    """Write all raw tables, or only what no feed's file holds, and replace the folder of the last time.

    The caller holds the lock on LEDGER_HOME. LedgerError when nothing is loaded, the last load did not end, or
    there is no room; the old folder then stays as it was.
    """
    if not settings.warehouse.is_file():
        raise LedgerError(f"There is no {settings.warehouse}: run `make run PERIOD=YYYY-MM` first.")
    target = reference_folder(settings) if is_reference_only else raw_folder(settings)
    with connect(settings, read_only=True) as connection:
        _refuse_half_loaded(connection)
        if not is_reference_only and is_loaded_by_spark(connection):
            raise LedgerError(f"Spark has loaded the landing files itself (LEDGER_LOADER): {target} holds its tables.")
        return _export(connection, target, is_reference_only)


def export_reference(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write what no feed's file holds, from the connection of a load that has not ended; errors as of export_raw."""
    _export(connection, reference_folder(settings), is_reference_only=True)


def _export(connection: duckdb.DuckDBPyConnection, target: Path, is_reference_only: bool) -> list[ExportedTable]:
    partial = _fresh_partial(target)
    try:
        partial.mkdir(parents=True)
        exported = _write_tables(connection, partial, is_reference_only)
        put_in_place(partial, target)
    except (OSError, duckdb.IOException) as error:
        raise LedgerError(
            f"{target} cannot be written ({error}); the old folder stays. Make room or allow writing, and run again."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return exported


def _fresh_partial(target: Path) -> Path:
    """The temporary name beside a folder, cleared of what a killed export left; a folder moved aside comes back."""
    replaced = target.with_name(target.name + REPLACED)
    if replaced.exists() and not target.exists():
        replaced.rename(target)
    partial = target.with_name(target.name + PARTIAL)
    for left in (partial, replaced):
        shutil.rmtree(left, ignore_errors=True)
    return partial


def put_in_place(partial: Path, target: Path) -> None:
    """Rename a finished folder to its name; one that bears it already is moved aside and then removed."""
    replaced = target.with_name(target.name + REPLACED)
    if target.exists():
        target.rename(replaced)
    partial.rename(target)
    shutil.rmtree(replaced, ignore_errors=True)


def _refuse_half_loaded(connection: duckdb.DuckDBPyConnection) -> None:
    if not connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'ledger' and table_name = 'state'"
    ).fetchone():
        return
    if ("loading",) in connection.execute("select stage from ledger.state").fetchall():
        raise LedgerError("The last load did not end: run `make run PERIOD=YYYY-MM`, then export again.")


def _write_tables(
    connection: duckdb.DuckDBPyConnection, folder: Path, is_reference_only: bool
) -> list[ExportedTable]:
    tables = layout.columns_in(connection)
    exported, described = [], {}
    for name, columns in tables.items():
        if is_reference_only and name in layout.FEED_TABLES:
            continue
        rows = _write_table(connection, folder / name, name, columns, is_reference_only)
        files = list((folder / name).rglob("*.parquet"))
        is_partitioned = name in layout.MOMENTS
        months = len({file.parent for file in files}) if is_partitioned else None
        exported.append(ExportedTable(name, rows, months, len(files), sum(file.stat().st_size for file in files)))
        described[name] = {
            "rows": rows,
            "spark_schema": layout.spark_schema(columns, is_partitioned),
            "partitioned_by": layout.MONTH if is_partitioned else None,
        }
    (folder / layout.LAYOUT_FILE).write_text(layout.described(described), encoding="utf-8")
    return exported


def _write_table(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str,
    columns: tuple[tuple[str, str], ...],
    is_reference_only: bool,
) -> int:
    """One table to its folder; returns its rows. A partitioned table without rows leaves an empty folder."""
    layout.spark_schema(columns, False)  # a type that Spark has not is refused before anything is written
    folder.mkdir()
    listed = ", ".join(quoted(column) for column, _ in columns)
    source = f"raw.{quoted(name)}"
    if is_reference_only and name in layout.SHARED_TABLES:
        contents = "select content_id from raw.landing_contents where feed = 'reference'"
        source = f"(from {source} where content_id in ({contents}))"
    options = "format parquet, compression zstd"
    if name in layout.MOMENTS:
        month = f"{layout.month_in_duckdb(layout.MOMENTS[name])} as {layout.MONTH}"
        query = f"select {listed}, {month} from {source}"
        statement = f"copy ({query}) to {literal(str(folder))} ({options}, partition_by ({layout.MONTH}))"
    else:
        statement = f"copy (select {listed} from {source}) to {literal(str(folder / 'part-0.parquet'))} ({options})"
    counted = connection.execute(statement).fetchone()
    return counted[0] if counted else 0
