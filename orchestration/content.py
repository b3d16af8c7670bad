"""What a table holds, as one hash: the same for the same rows, whatever file or engine version keeps them.

Each row is written as text (columns in their order, separated, texts behind their length, nulls marked; instants in
UTC, dates ISO, decimals exact) and hashed with MD5, a fingerprint here and no protection. A table's hash is SHA-256
over its columns and types, its row count, and the sums of both halves of the rows' hashes. Sums need no sort and no
memory, and do not depend on threads. The ordered form hashes each row together with its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.settings import LedgerError


@dataclass(frozen=True)
class Content:
    """Rows, the hash of the rows as a set, and the hash of the rows in their order (None where not asked for)."""

    rows: int
    set_hash: str
    ordered_hash: str | None = None


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


def row_text(columns: Sequence[tuple[str, str]]) -> str:
    """SQL for a row as text that no other row shares: a separator between columns, each text behind its length."""

    def cell(name: str, data_type: str) -> str:
        text = f"{quoted(name)}::varchar"
        if data_type == "VARCHAR":
            text = f"strlen({quoted(name)})::varchar || ':' || {quoted(name)}"
        return f"coalesce({text}, chr(0))"

    return "concat_ws(chr(31), " + ", ".join(cell(name, data_type) for name, data_type in columns) + ")"


def table_content(
    connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str, is_ordered: bool = False
) -> Content:
    """Count and hash a table's rows in one pass. `is_ordered`: also by their place (rowid) in the file.

    LedgerError when there is no such table.
    """
    columns = columns_of(connection, database, schema, table)
    if not columns:
        raise LedgerError(f"There is no table {schema}.{table}: run `make run PERIOD=YYYY-MM` to build it.")
    hashes = {"hash": "md5_number(row)"}
    texts = f"{row_text(columns)} as row"
    if is_ordered:  # only a table has places, a view of the warehouse has none
        hashes["place_hash"] = "md5_number(place || row)"
        texts += ", rowid::varchar || chr(31) as place"
    sums = ", ".join(half for name in hashes for half in _sums_of_halves(name))
    answer = connection.execute(
        f"select count(*), {sums} from "
        f"(select {', '.join(f'{value} as {name}' for name, value in hashes.items())} from "
        f"(select {texts} from {quoted(database)}.{quoted(schema)}.{quoted(table)}))"
    ).fetchone()
    if answer is None:
        raise duckdb.InvalidInputException(f"{schema}.{table} gave no count")
    rows, *totals = answer
    head = "\n".join(f"{name} {data_type}" for name, data_type in columns) + f"\n{rows}\n"

    def digest(first: int | None, last: int | None) -> str:
        return hashlib.sha256(f"{head}{first or 0}\n{last or 0}\n".encode()).hexdigest()

    return Content(rows, digest(*totals[:2]), digest(*totals[2:4]) if is_ordered else None)


def _sums_of_halves(number: str) -> tuple[str, str]:
    """SQL for the sums of both halves of 128-bit numbers: the high one first, as md5_number_lower() names it."""
    return f"sum(({number} >> 64)::ubigint)", f"sum(({number} & {2**64 - 1}::uhugeint)::ubigint)"
