"""published/finance.duckdb: what finance and BI open (SPEC 7).

Written beside the old one under a temporary name in a storage version that older clients open, read back and compared
with the warehouse, then renamed over the old: a reader keeps the old file or gets the new one, never half of one.
What does not belong here: deciding whether it may go out (gates), files for finance (exports).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import duckdb

from orchestration.content import Content, columns_of, literal, quoted, table_content
from orchestration.published_macros import PublishedMacro, published_macros, stored_macros, write_macros
from orchestration.settings import LedgerError, Settings
from orchestration.suites import PublishedTable

STORAGE_VERSION = "v1.0.0"
FILE_NAME = "finance.duckdb"
TEMPORARY_MARK = ".tmp-"
# The warehouse has the name here that the views in it call it by.
SOURCE, TARGET, PRESENT, PATTERN = "warehouse", "target", "present", "pattern"

Log = Callable[[str], None]


def published_file(settings: Settings) -> Path:
    """What finance and BI open."""
    return settings.published / FILE_NAME


def remove_leftovers(settings: Settings) -> None:
    """Remove what a run that died here left behind. The caller holds the lock on LEDGER_HOME."""
    if settings.published.is_dir():
        for path in settings.published.iterdir():
            if TEMPORARY_MARK in path.name:
                path.unlink(missing_ok=True)


def publish(settings: Settings, tables: list[PublishedTable], log: Log) -> dict[str, Content]:
    """Replace the published file by the warehouse's marts and return the content of each table, by `schema.name`.

    A file that already holds the same rows, comments and macros stays as it is. Raises LedgerError when the copy is
    not equal to the marts or cannot be written; then the old file is untouched.
    """
    remove_leftovers(settings)
    if not tables:
        raise LedgerError("No model carries the tag `published`: there is nothing to publish.")
    macros = published_macros(settings)
    target = published_file(settings)
    temporary = target.with_name(f"{FILE_NAME}{TEMPORARY_MARK}{os.getpid()}")
    try:
        settings.published.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            _prepare(connection, settings)
            source = {table.table: table_content(connection, SOURCE, table.schema, table.name) for table in tables}
            present = _present_content(connection, target, tables, macros, source)
            if present is not None:
                log("published/finance.duckdb is up to date")
                return present
            _write(connection, temporary, tables, macros)
            contents = _verified(connection, temporary, tables, source)
        _sync(temporary)
        os.replace(temporary, target)
        _sync(settings.published)
    except (OSError, duckdb.IOException) as error:
        raise LedgerError(
            f"{settings.published} cannot be written ({error}); the old file stays. "
            "Make room or allow writing, and run again."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # what cannot be removed now, the next run removes
            temporary.unlink(missing_ok=True)
            Path(f"{temporary}.wal").unlink(missing_ok=True)
    log(
        f"published/finance.duckdb: {len(contents)} tables, {sum(content.rows for content in contents.values()):,} rows"
    )
    return contents


def read_contents(settings: Settings, tables: list[PublishedTable]) -> dict[str, Content]:
    """The content of each published table as it is in the file now."""
    with duckdb.connect() as connection:
        _prepare(connection, settings, with_warehouse=False)
        return _read(connection, published_file(settings), TARGET, tables)


def _prepare(connection: duckdb.DuckDBPyConnection, settings: Settings, with_warehouse: bool = True) -> None:
    settings.temporary.mkdir(parents=True, exist_ok=True)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set temp_directory = {literal(str(settings.temporary))}")
    connection.execute("set preserve_insertion_order = true")
    if settings.memory_limit:
        connection.execute(f"set memory_limit = {literal(settings.memory_limit)}")
    if with_warehouse:
        connection.execute(f"attach {literal(str(settings.warehouse))} as {SOURCE} (read_only)")


def _write(
    connection: duckdb.DuckDBPyConnection, path: Path, tables: list[PublishedTable], macros: list[PublishedMacro]
) -> None:
    """Copy every table in the order of its key, with its comments, add the macros, and close the file."""
    connection.execute(f"attach {literal(str(path))} as {TARGET} (storage_version '{STORAGE_VERSION}')")
    for schema in sorted({table.schema for table in tables}):
        connection.execute(f"create schema {TARGET}.{quoted(schema)}")
    for table in tables:
        relation = f"{quoted(table.schema)}.{quoted(table.name)}"
        order = ", ".join(f"{quoted(column)} nulls first" for column in table.key)
        connection.execute(f"create table {TARGET}.{relation} as from {SOURCE}.{relation} order by {order or 'all'}")
        connection.execute(f"comment on table {TARGET}.{relation} is {literal(table.description.strip())}")
        for column, description in table.columns.items():
            connection.execute(
                f"comment on column {TARGET}.{relation}.{quoted(column)} is {literal(description.strip())}"
            )
    write_macros(connection, TARGET, macros)
    connection.execute(f"checkpoint {TARGET}")
    connection.execute(f"detach {TARGET}")


def _verified(
    connection: duckdb.DuckDBPyConnection, path: Path, tables: list[PublishedTable], source: dict[str, Content]
) -> dict[str, Content]:
    """The written file's content, read back from disk; LedgerError where it is not the marts'."""
    contents = _read(connection, path, TARGET, tables)
    for name, content in contents.items():
        if (content.rows, content.set_hash) != (source[name].rows, source[name].set_hash):
            raise LedgerError(
                f"The copy of {name} differs from the warehouse ({content.rows:,} rows for {source[name].rows:,}); "
                "the old file stays. Run again; if it happens again, the disk is not to be trusted."
            )
    return contents


def _present_content(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    tables: list[PublishedTable],
    macros: list[PublishedMacro],
    source: dict[str, Content],
) -> dict[str, Content] | None:
    """The present file's content if it already is what would be written, comments and macros included; else None."""
    if not path.exists():
        return None
    try:
        connection.execute(f"attach {literal(str(path))} as {PRESENT} (read_only)")
    except duckdb.Error:
        return None
    try:
        if _comments(connection) != {
            (table.table, name): text.strip()
            for table in tables
            for name, text in {"": table.description, **table.columns}.items()
        }:
            return None
        if stored_macros(connection, PRESENT) != _as_stored(connection, tables, macros):
            return None
        contents = {}
        for table in tables:
            content = table_content(connection, PRESENT, table.schema, table.name, is_ordered=True)
            if content.set_hash != source[table.table].set_hash:
                return None
            contents[table.table] = content
        return contents
    except duckdb.Error:
        return None
    finally:
        connection.execute(f"detach {PRESENT}")


def _as_stored(
    connection: duckdb.DuckDBPyConnection, tables: list[PublishedTable], macros: list[PublishedMacro]
) -> dict[str, tuple[str, str]]:
    """The macros in the engine's words: written once more, over empty tables of the same shape."""
    connection.execute(f"attach ':memory:' as {PATTERN}")
    try:
        for schema in sorted({table.schema for table in tables}):
            connection.execute(f"create schema {PATTERN}.{quoted(schema)}")
        for table in tables:
            relation = f"{quoted(table.schema)}.{quoted(table.name)}"
            connection.execute(f"create table {PATTERN}.{relation} as from {SOURCE}.{relation} limit 0")
        write_macros(connection, PATTERN, macros)
        return stored_macros(connection, PATTERN)
    finally:
        connection.execute(f"detach {PATTERN}")


def _comments(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Comments of the present file by (schema.table, column); the table's own under an empty column."""
    rows = connection.execute(
        f"""
        select schema_name || '.' || table_name, '', comment from duckdb_tables() where database_name = '{PRESENT}'
        union all
        select schema_name || '.' || table_name, column_name, comment from duckdb_columns()
        where database_name = '{PRESENT}'
        """
    ).fetchall()
    return {(table, column): comment for table, column, comment in rows}


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, alias: str, tables: list[PublishedTable]
) -> dict[str, Content]:
    connection.execute(f"attach {literal(str(path))} as {alias} (read_only)")
    try:
        missing = [table.table for table in tables if not columns_of(connection, alias, table.schema, table.name)]
        if missing:
            raise LedgerError(
                f"{path} has no table {', '.join(missing)}: run `make run PERIOD=YYYY-MM` to publish again."
            )
        return {
            table.table: table_content(connection, alias, table.schema, table.name, is_ordered=True) for table in tables
        }
    finally:
        connection.execute(f"detach {alias}")


def _sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
