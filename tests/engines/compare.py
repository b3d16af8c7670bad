"""Are two warehouses the same, row by row and to the last decimal?

What belongs here: comparing tables that two engines built. What does not: building them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.content import table_content
from orchestration.sealing import CLOSED_FILE

SHOWN = 3
PATH = """(
    select min(files.path) from {}.staging.stg_landing__files as files where files.content_id = compared.content_id
) as content"""


@dataclass(frozen=True)
class Difference:
    """One table that is not the same, in words."""

    table: str
    rows: int
    words: str


@dataclass(frozen=True)
class Comparison:
    """What was compared: tables, rows of the left side, and each table's differences."""

    tables: int
    rows: int
    differences: tuple[Difference, ...]


def compare(left: Path, right: Path, tables: list[str], is_one_load: bool = True) -> Comparison:
    """Compare tables, given as schema.name, of two DuckDB files: columns, types, and rows by EXCEPT ALL both ways.

    A table that one of them lacks is a difference. Without `is_one_load` a content_id, a number that each load gives
    anew, is compared as the first path that carries the content.
    """
    rows, found = 0, []
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        # Views name the catalog that they were made in: `warehouse`, after the file.
        for name, path in (("warehouse", left), ("other", right)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        for table in tables:
            count, difference = _compare(connection, table, is_one_load)
            rows += count
            found += difference
    return Comparison(len(tables), rows, tuple(found))


def _compare(connection: duckdb.DuckDBPyConnection, table: str, is_one_load: bool) -> tuple[int, list[Difference]]:
    columns = [_columns(connection, side, table) for side in ("warehouse", "other")]
    if columns[0] != columns[1]:
        lacking = [f"{a} / {b}" for a, b in zip(*_padded(columns), strict=True) if a != b]
        return 0, [Difference(table, 1, f"columns differ: {', '.join(lacking)}")]
    listed = {side: _listed(side, columns[0], is_one_load) for side in ("warehouse", "other")}
    (count,) = connection.execute(f"select count(*) from warehouse.{table}").fetchone() or (0,)
    found, words = 0, []
    names = {"warehouse": "the first", "other": "the second"}
    for this, that in (("warehouse", "other"), ("other", "warehouse")):
        query = (
            f"select {listed[this]} from {this}.{table} as compared "
            f"except all select {listed[that]} from {that}.{table} as compared"
        )
        (only,) = connection.execute(f"select count(*) from ({query})").fetchone() or (0,)
        if only:
            found += only
            words.append(f"{only} rows only in {names[this]}: {connection.execute(query).fetchmany(SHOWN)}")
    return count, [Difference(table, found, "; ".join(words))] if found else []


def _listed(side: str, columns: list[tuple[str, str]], is_one_load: bool) -> str:
    return ", ".join(
        PATH.format(side) if name == "content_id" and not is_one_load else f'"{name}"' for name, _ in columns
    )


def _columns(connection: duckdb.DuckDBPyConnection, database: str, table: str) -> list[tuple[str, str]]:
    schema, name = table.split(".", 1)
    return connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = ? and schema_name = ? "
        "and table_name = ? order by column_index",
        [database, schema, name],
    ).fetchall()


def _padded(columns: list[list[tuple[str, str]]]) -> list[list[tuple[str, str] | None]]:
    longest = max(len(one) for one in columns)
    return [[*one, *([None] * (longest - len(one)))] for one in columns]


def written_differences(left: Path, right: Path) -> Comparison:
    """Seals and exports by their bytes, published tables by their ordered content, of two homes; one row each.

    Of a seal's `closed.json`, which stands outside the chain, the instant of the close and the run's id may differ.
    """
    found, compared = [], 0
    homes = (left, right)
    pairs = (
        [_published(home) for home in homes],
        [_files(home / "sealed") | _closed(home) for home in homes],
        [_files(home / "exports") for home in homes],
    )
    for one, other in pairs:
        for name in sorted(one.keys() | other.keys()):
            compared += 1
            if one.get(name) != other.get(name):
                found.append(Difference(name, 1, f"{one.get(name)} / {other.get(name)}"))
    return Comparison(compared, compared, tuple(found))


def _published(home: Path) -> dict[str, str]:
    with duckdb.connect(str(home / "published" / "finance.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        tables = connection.execute("select database_name, schema_name, table_name from duckdb_tables()").fetchall()
        return {
            f"published {schema}.{name}": str(table_content(connection, database, schema, name))
            for database, schema, name in tables
        }


def _files(folder: Path) -> dict[str, str]:
    return {
        f"{folder.name}/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CLOSED_FILE
    }


def _closed(home: Path) -> dict[str, str]:
    """What each close has noted beside its seal, without its own instant and run."""
    found = {}
    for path in sorted((home / "sealed").glob(f"*/{CLOSED_FILE}")):
        noted = json.loads(path.read_text(encoding="utf-8"))
        found[f"{path.parent.name}/{CLOSED_FILE}"] = str({**noted, "closed_at": None, "run_id": None})
    return found
