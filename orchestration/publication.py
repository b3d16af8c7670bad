"""published/finance.duckdb: what finance and BI open (SPEC 7).

Written beside the old one under a temporary name in a storage version that older clients open, read back and compared
with the warehouse, then renamed over the old: a reader keeps the old file or gets the new one, never half of one.
Rows lie by activity date, so what changed is mostly at the end: a copy of the old file is taken, and from the first
date that changed its rows are written anew. All rows are compared; hashed for the manifest are those that changed.
What does not belong here: deciding whether it may go out (gates), files for finance (exports).
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb

from orchestration.content import (
    PART_COLUMN,
    Content,
    Known,
    Part,
    Relation,
    columns_of,
    find,
    literal,
    quoted,
    read_content,
    read_parts,
)
from orchestration.published_macros import PublishedMacro, published_macros, stored_macros, write_macros
from orchestration.settings import LedgerError, Settings, connect
from orchestration.suites import PublishedTable

STORAGE_VERSION = "v1.0.0"
FILE_NAME = "finance.duckdb"
TEMPORARY_MARK = ".tmp-"
# The warehouse has the name here that the views in it call it by.
SOURCE, TARGET, PRESENT, PATTERN = "warehouse", "target", "present", "pattern"
# Contents of the published parts by their fingerprint, in the warehouse: it saves reading them, nothing rests on it.
KNOWN = ("ledger", "published_parts")

Log = Callable[[str], None]
Prints = dict[str, list[Part]]  # of each table, by `schema.name`


@dataclass(frozen=True)
class Change:
    """What of a published table is not as in the warehouse: the rows of a date and later, without one all rows."""

    table: PublishedTable
    first_date: date | None

    @property
    def where(self) -> str:
        """SQL for the rows that are written anew."""
        return f"where {quoted(PART_COLUMN)} >= date '{self.first_date}'" if self.first_date else ""


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
            known = _read_known(connection)
            marts = find(connection, SOURCE, [table.table for table in tables])
            source = _prints(connection, marts, has_places=False)
            present = _present_prints(connection, target, tables, macros, marts)
            changes = _changes(tables, source, present)
            if present is None:
                _write(connection, temporary, tables, macros)
            elif changes:
                shutil.copyfile(target, temporary)
                _rewrite(connection, temporary, changes)
            is_new = present is None or bool(changes)
            contents, parts = _contents(connection, temporary if is_new else target, source, known)
        if is_new:
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
    if parts != known:
        _write_known(settings, parts)
    log(_summary(source, changes, contents) if is_new else "published/finance.duckdb is up to date")
    return contents


def _summary(source: Prints, changes: list[Change], contents: dict[str, Content]) -> str:
    written = sum(
        part.rows
        for change in changes
        for part in source[change.table.table]
        if change.first_date is None or (part.date is not None and part.date >= change.first_date)
    )
    return (
        f"published/finance.duckdb: {len(contents)} tables, {sum(each.rows for each in contents.values()):,} rows, "
        f"{written:,} of them written"
    )


def _prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    settings.temporary.mkdir(parents=True, exist_ok=True)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set temp_directory = {literal(str(settings.temporary))}")
    connection.execute("set preserve_insertion_order = true")
    if settings.memory_limit:
        connection.execute(f"set memory_limit = {literal(settings.memory_limit)}")
    connection.execute(f"attach {literal(str(settings.warehouse))} as {SOURCE} (read_only)")


def _write(
    connection: duckdb.DuckDBPyConnection, path: Path, tables: list[PublishedTable], macros: list[PublishedMacro]
) -> None:
    """Copy every table in its order, with its comments, add the macros, and close the file."""
    connection.execute(f"attach {literal(str(path))} as {TARGET} (storage_version '{STORAGE_VERSION}')")
    for schema in sorted({table.schema for table in tables}):
        connection.execute(f"create schema {TARGET}.{quoted(schema)}")
    for table in tables:
        relation = f"{quoted(table.schema)}.{quoted(table.name)}"
        connection.execute(f"create table {TARGET}.{relation} as from {SOURCE}.{relation} order by {_order(table)}")
        connection.execute(f"comment on table {TARGET}.{relation} is {literal(table.description.strip())}")
        for column, description in table.columns.items():
            connection.execute(
                f"comment on column {TARGET}.{relation}.{quoted(column)} is {literal(description.strip())}"
            )
    write_macros(connection, TARGET, macros)
    connection.execute(f"checkpoint {TARGET}")
    connection.execute(f"detach {TARGET}")


def _rewrite(connection: duckdb.DuckDBPyConnection, path: Path, changes: list[Change]) -> None:
    """Put the warehouse's rows in the place of those that changed, in a copy of the present file, and close it."""
    connection.execute(f"attach {literal(str(path))} as {TARGET}")
    for change in changes:
        relation = f"{quoted(change.table.schema)}.{quoted(change.table.name)}"
        connection.execute(f"delete from {TARGET}.{relation} {change.where}")
        connection.execute(
            f"insert into {TARGET}.{relation} from {SOURCE}.{relation} {change.where} order by {_order(change.table)}"
        )
    connection.execute(f"checkpoint {TARGET}")
    connection.execute(f"detach {TARGET}")


def _order(table: PublishedTable) -> str:
    """By date, then by key: what comes is behind what is there."""
    columns = ([PART_COLUMN] if PART_COLUMN in table.columns else []) + list(table.key)
    return ", ".join(f"{quoted(column)} nulls first" for column in columns) or "all"


def _prints(connection: duckdb.DuckDBPyConnection, relations: Mapping[str, Relation], has_places: bool) -> Prints:
    return {name: read_parts(connection, relation, has_places) for name, relation in relations.items()}


def _rows_alone(parts: list[Part]) -> set[tuple[date | None, int, str]]:
    return {part.rows_alone for part in parts}


def _changes(tables: list[PublishedTable], source: Prints, present: Prints | None) -> list[Change]:
    """What differs between the warehouse and the present file; every table where there is none."""
    changes = []
    for table in tables:
        theirs = _rows_alone(present[table.table]) if present else set()
        dates = {day for day, *_ in _rows_alone(source[table.table]) ^ theirs}
        if dates or not present:
            changes.append(Change(table, None if None in dates else min(dates, default=None)))
    return changes


def _contents(
    connection: duckdb.DuckDBPyConnection, path: Path, source: Prints, known: Known
) -> tuple[dict[str, Content], Known]:
    """The content of a file, read back from disk; LedgerError where it does not hold the warehouse's rows."""
    connection.execute(f"attach {literal(str(path))} as {TARGET} (read_only)")
    contents, now_known = {}, {}
    for name, relation in find(connection, TARGET, source).items():
        parts = read_parts(connection, relation, has_places=True)
        if _rows_alone(parts) != _rows_alone(source[name]):
            raise LedgerError(
                f"The copy of {name} differs from the warehouse; the old file stays. "
                "Run again; if it happens again, the disk is not to be trusted."
            )
        contents[name], parts_known = read_content(connection, relation, parts, known)
        now_known |= parts_known
    return contents, now_known


def _read_known(connection: duckdb.DuckDBPyConnection) -> Known:
    if not columns_of(connection, SOURCE, *KNOWN):
        return {}
    return dict(connection.execute(f"select fingerprint, content from {SOURCE}.{'.'.join(KNOWN)}").fetchall())


def _write_known(settings: Settings, known: Known) -> None:
    """Remember what was worked out. Where there is no room, the next run works it out again."""
    with contextlib.suppress(duckdb.IOException), connect(settings) as connection:
        connection.execute(
            f"create or replace table {'.'.join(KNOWN)} as "
            "select unnest($fingerprints) as fingerprint, unnest($contents) as content",
            {"fingerprints": list(known), "contents": list(known.values())},
        )


def _present_prints(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    tables: list[PublishedTable],
    macros: list[PublishedMacro],
    marts: Mapping[str, Relation],
) -> Prints | None:
    """What the present file holds; None where it is none, or differs in more than rows: columns, comments, macros.

    Also None where its rows do not lie by date, and where changes have left more room in it than its rows take.
    """
    if not path.exists():
        return None
    try:
        connection.execute(f"attach {literal(str(path))} as {PRESENT} (read_only)")
    except duckdb.Error:
        return None
    try:
        room = connection.execute(
            f"select free_blocks > used_blocks from pragma_database_size() where database_name = '{PRESENT}'"
        ).fetchone()
        if (
            room != (False,)
            or _comments(connection) != _wanted_comments(tables)
            or stored_macros(connection, PRESENT) != _as_stored(connection, path, tables, macros)
        ):
            return None
        present = find(connection, PRESENT, marts)
        if any(present[name].columns != relation.columns for name, relation in marts.items()):
            return None
        prints = _prints(connection, present, has_places=True)
        return prints if all(_lie_by_date(parts) for parts in prints.values()) else None
    except duckdb.Error:
        return None
    finally:
        connection.execute(f"detach {PRESENT}")


def _lie_by_date(parts: list[Part]) -> bool:
    """Whether each date's rows lie together and behind those of earlier dates (those of none first)."""
    return all(
        one.first_place + one.rows <= other.first_place
        and (one.date is None or (other.date is not None and one.date < other.date))
        for one, other in pairwise(parts)
    )


def _wanted_comments(tables: list[PublishedTable]) -> dict[tuple[str, str], str]:
    """Comments as they should be, as _comments() gives them."""
    return {
        (table.table, name): text.strip()
        for table in tables
        for name, text in {"": table.description, **table.columns}.items()
    }


def _as_stored(
    connection: duckdb.DuckDBPyConnection, path: Path, tables: list[PublishedTable], macros: list[PublishedMacro]
) -> dict[str, tuple[str, str]]:
    """The macros in a file's words: written over empty tables of the same shape and read back (the engine words types
    otherwise once they were stored)."""
    pattern = path.with_name(f"{PATTERN}{TEMPORARY_MARK}{os.getpid()}")
    attach = f"attach {literal(str(pattern))} as {PATTERN}"
    try:
        connection.execute(f"{attach} (storage_version '{STORAGE_VERSION}')")
        for schema in sorted({table.schema for table in tables}):
            connection.execute(f"create schema {PATTERN}.{quoted(schema)}")
        for table in tables:
            relation = f"{quoted(table.schema)}.{quoted(table.name)}"
            connection.execute(f"create table {PATTERN}.{relation} as from {SOURCE}.{relation} limit 0")
        write_macros(connection, PATTERN, macros)
        connection.execute(f"detach {PATTERN}")
        connection.execute(f"{attach} (read_only)")
        return stored_macros(connection, PATTERN)
    finally:
        connection.execute(f"detach database if exists {PATTERN}")
        pattern.unlink(missing_ok=True)


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


def _sync(path: Path) -> None:
    """Bring a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
