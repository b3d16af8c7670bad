"""Long lists as CSV, written by DuckDB itself: no row passes through Python.

The same CSV as `tables` writes (RFC 4180, CRLF, ISO 8601, formulas made harmless), for lists of millions of rows cut
into a file for each value of a column. What does not belong here: what the lists hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from orchestration.content import literal, quoted

# Never in a text: DuckDB is told to quote nothing, the rows come quoted.
NO_DELIMITER = "\x1f"
NUMBER = "[+-]?[0-9]+([.,][0-9]+)?"
FORMULA = r"^[=+\-@\t\r\n]"


def cell(name: str, data_type: str) -> str:
    """SQL for a column as a CSV cell; texts are neutralised as `tables.harmless` does and quoted where needed."""
    column = quoted(name)
    if data_type == "VARCHAR":
        text = (
            f"case when regexp_matches({column}, {literal(FORMULA)}) and not regexp_full_match({column}, "
            f"{literal(NUMBER)}) then '''' || {column} else {column} end"
        )
        return (
            f"coalesce(case when regexp_matches({column}, '[\",\\r\\n]') "
            f"then '\"' || replace({text}, '\"', '\"\"') || '\"' else {text} end, '')"
        )
    if data_type.startswith(("DECIMAL", "DATE", "BIGINT", "INTEGER", "BOOLEAN")):
        return f"coalesce({column}::varchar, '')"
    raise ValueError(f"a list has no column of the type {data_type}")


def split_lists(
    connection: duckdb.DuckDBPyConnection, query: str, key: str, files: Mapping[str, Path]
) -> dict[str, int]:
    """Write the rows of a query, which is ordered by `key` first, without that column to the file of their key.

    Gives the rows by key. A key without a file is left out; a file without rows has a header only. One pass over the
    query: its rows are laid down in its own order, never sorted again by the key alone, for DuckDB's sort leaves equal
    keys in any order; so each file is one stretch of them. Raises ValueError where it is not.
    """
    columns = [(row[0], row[1]) for row in connection.execute(f"describe {query}").fetchall() if row[0] != key]
    header = ",".join(name for name, _ in columns) + "\r"
    row = " || ',' || ".join(cell(name, data_type) for name, data_type in columns) + " || chr(13)"
    connection.execute("set preserve_insertion_order = true")
    connection.execute(
        f"create or replace temp table list_rows as select {quoted(key)} as list_key, {row} as {quoted(header)} "
        f"from ({query})"
    )
    try:
        stretches = {
            value: stretch
            for value, *stretch in connection.execute(
                "select list_key, min(rowid), max(rowid), count(*) from list_rows group by list_key"
            ).fetchall()
        }
        counts = {}
        for value, path in files.items():
            first, last, counts[value] = stretches.get(value, (0, -1, 0))
            if last - first + 1 != counts[value]:
                raise ValueError(f"the rows of {value} are not beside each other: order the query by {key} first")
            connection.execute(
                f"copy (select {quoted(header)} from list_rows where rowid between {first} and {last}) "
                f"to {literal(str(path))} "
                f"(format csv, header true, quote '', escape '', delimiter '{NO_DELIMITER}')"
            )
    finally:
        connection.execute("drop table list_rows")
    return counts


def read_lists(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, Path], columns: Sequence[str], sums: bool
) -> dict[str, list[tuple]]:
    """What the files hold, read back in one pass: by key, rows and, with `sums`, the sum of `amount` per currency."""
    if not files:
        return {}
    key_of = {str(path): value for value, path in files.items()}
    names = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    paths = ", ".join(literal(path) for path in key_of)
    measured = "currency_code, count(*), sum(amount::decimal(38, 4))" if sums else "null, count(*), null"
    rows = connection.execute(
        f"select filename, {measured} from read_csv([{paths}], filename = true, header = true, auto_detect = false, "
        f"delim = ',', quote = '\"', escape = '\"', strict_mode = true, columns = {{{names}}}) "
        "group by all order by all"
    ).fetchall()
    found: dict[str, list[tuple]] = {value: [] for value in files}
    for path, *rest in rows:
        found[key_of[path]].append(tuple(rest))
    return found
