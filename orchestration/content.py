"""What a table holds, as hashes: the same for the same rows, whatever file or engine version keeps them.

A table is told by its parts: the rows of one activity date where it has such a column, else all of them. It has two
kinds of hashes:

- Prints are DuckDB's own hash(), added up: they cost a tenth, and tell within one run which parts two files share.
- Contents are kept (manifest) and compared by others. Each row is written as text (columns in their order, separated,
  texts behind their length, nulls marked; instants in UTC, dates ISO, decimals exact) and hashed with MD5 together
  with its place in its part, a fingerprint here and no protection; a part is its row count and the sums of both halves
  of the rows' hashes, a table SHA-256 over its columns, types and parts. Sums need no sort and no memory, and do not
  depend on threads. What a part's content is is remembered by its print, so that only parts that changed are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.settings import LedgerError

# What divides a table into parts: usage comes and changes by its date.
PART_COLUMN = "activity_date"

# A part's content by its fingerprint, of parts whose content was worked out before.
Known = dict[str, str]


@dataclass(frozen=True)
class Content:
    """Rows, and the hash of the rows in their order."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """The rows of one date (None: of no date, or of a table that is one part), as prints."""

    date: date | None
    rows: int
    row_print: str
    place_print: str | None = None  # of the rows in their order: tables of a file have places, views have none
    first_place: int = 0

    @property
    def rows_alone(self) -> tuple[date | None, int, str]:
        """What two files share that hold the same rows, in whatever order."""
        return self.date, self.rows, self.row_print


@dataclass(frozen=True)
class Relation:
    """A table or view of an attached database with its columns, (name, type), in their order."""

    database: str
    schema: str
    name: str
    columns: tuple[tuple[str, str], ...]

    @property
    def sql(self) -> str:
        """Its name in SQL."""
        return f"{quoted(self.database)}.{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def part_sql(self) -> str:
        """SQL for the part that a row belongs to."""
        return quoted(PART_COLUMN) if PART_COLUMN in dict(self.columns) else "null::date"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def columns_of(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> list[tuple[str, str]]:
    """Names and types of a table's columns, in their order; empty when there is no such table."""
    return connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        [database, schema, table],
    ).fetchall()


def find(connection: duckdb.DuckDBPyConnection, database: str, names: Iterable[str]) -> dict[str, Relation]:
    """Tables and views of an attached database by `schema.name`; LedgerError for a name that there is none of."""
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, table, column, data_type in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() where database_name = ? "
        "order by schema_name, table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(f"{schema}.{table}", []).append((column, data_type))
    relations = {}
    for name in names:
        if name not in found:
            raise LedgerError(f"There is no table {name}: run `make run PERIOD=YYYY-MM` to build it.")
        relations[name] = Relation(database, *name.split(".", 1), tuple(found[name]))
    return relations


def row_text(columns: Sequence[tuple[str, str]]) -> str:
    """SQL for a row as text that no other row shares: a separator between columns, each text behind its length."""

    def cell(name: str, data_type: str) -> str:
        text = f"{quoted(name)}::varchar"
        if data_type == "VARCHAR":
            text = f"strlen({quoted(name)})::varchar || ':' || {quoted(name)}"
        return f"coalesce({text}, chr(0))"

    return "concat_ws(chr(31), " + ", ".join(cell(name, data_type) for name, data_type in columns) + ")"


def read_parts(connection: duckdb.DuckDBPyConnection, relation: Relation, has_places: bool) -> list[Part]:
    """The parts in the order in which they lie in the file (by date where there are no places), with their prints."""
    cells = ", ".join(quoted(name) for name, _ in relation.columns)
    row_print = f"concat(sum(hash({cells})), '-', bit_xor(hash({cells})))"
    if not has_places:
        query = f"select {relation.part_sql} as part, count(*), {row_print} from {relation.sql} group by 1 order by 1"
    else:
        query = (
            f"with starts as (select {relation.part_sql} as part, min(rowid) as first_place "
            f"from {relation.sql} group by 1) "
            f"select starts.part, count(*), {row_print}, "
            f"sum(hash(rows.rowid - starts.first_place, {cells}))::varchar, starts.first_place "
            f"from {relation.sql} as rows inner join starts on {relation.part_sql} is not distinct from starts.part "
            "group by starts.part, starts.first_place order by starts.first_place"
        )
    return [Part(*row) for row in connection.execute(query).fetchall()]


def read_content(
    connection: duckdb.DuckDBPyConnection, relation: Relation, parts: Sequence[Part], known: Known
) -> tuple[Content, Known]:
    """A table's content, and what to know of its parts the next time.

    `parts`: as read_parts() gave them, with places. Only those that are not `known` are read.
    """
    head = "\n".join(f"{name} {data_type}" for name, data_type in relation.columns)
    prints = {part.date: _sha256(f"{head}\n{part.rows_alone}\n{part.place_print}") for part in parts}
    missing = [part for part in parts if prints[part.date] not in known]
    known = known | {prints[day]: content for day, content in _read_rows(connection, relation, missing)}
    mine = {each: known[each] for each in prints.values()}
    rows = sum(part.rows for part in parts)
    return Content(rows, _sha256("\n".join([head, str(rows), *mine.values()]))), mine


def table_content(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> Content:
    """A table's content, worked out from all its rows. LedgerError when there is no such table."""
    relation = find(connection, database, [f"{schema}.{table}"])[f"{schema}.{table}"]
    return read_content(connection, relation, read_parts(connection, relation, has_places=True), {})[0]


def _read_rows(
    connection: duckdb.DuckDBPyConnection, relation: Relation, parts: Sequence[Part]
) -> list[tuple[date | None, str]]:
    """The content of some parts by their date: one MD5 a row, of its place and its text."""
    if not parts:
        return []
    return connection.execute(
        f"""
        with starts as (select unnest($days::date[]) as part, unnest($first_places::bigint[]) as first_place),
        hashed as (
            select
                starts.part,
                md5_number((rowid - first_place)::varchar || chr(31) || {row_text(relation.columns)}) as hash
            from {relation.sql} as rows
            inner join starts on {relation.part_sql} is not distinct from starts.part
        )
        select
            part, concat_ws('-', count(*), sum((hash >> 64)::ubigint), sum((hash & {2**64 - 1}::uhugeint)::ubigint))
        from hashed group by part""",
        {"days": [part.date for part in parts], "first_places": [part.first_place for part in parts]},
    ).fetchall()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
