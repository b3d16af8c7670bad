"""The Parquet layout of the raw tables: one folder a table, event tables in a folder for each UTC month.

What belongs here: names, types and partitions, the same whoever writes them (export.py: DuckDB, loader.py: Spark).
What does not: reading or writing anything. Columns are those of raw_tables.sql, read by DuckDB itself: no second copy.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import duckdb

from orchestration.settings import RAW_TABLES

LAYOUT_FILE = "_layout.json"  # Spark does not read names that begin with an underscore
LAYOUT_VERSION = 1
MONTH = "utc_month"
NO_MONTH = "none"  # the row has no instant
ODD_MONTH = "implausible"  # its instant lies outside the years below: a broken clock must not make folders without end
FIRST_YEAR, END_YEAR = 2000, 2100

# The instant by whose UTC month an event table is partitioned: a column or an expression that both engines take.
MOMENTS = {
    "messages": "sent_at",
    "conversations": "started_at",
    "agent_participants": "listed_at",
    "consumer_participants": "listed_at",
    "cobrowse_sessions": "coalesce(interactive_at, started_at)",
    "function_invocations": "invoked_at",
    "platform_users": "snapshot_at",
    "platform_user_snapshots": "snapshot_at",
    "support_case_events": "occurred_at",
}
# Written by the loader of the feeds alone, and by all loaders together (their rows of a feed are told by content_id).
FEED_TABLES = (*MOMENTS, "pages", "removed_conversations")
SHARED_TABLES = ("landing_files", "landing_contents", "rejected_records")

_SPARK_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "int",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def events_of(sql: str) -> set[str]:
    """The tables of the feeds' loader that a text of SQL reads."""
    return set(re.findall(r"\braw\.(\w+)", sql)) & {*FEED_TABLES}


def spark_type(duckdb_type: str) -> str:
    """The Spark type that holds exactly what a DuckDB column holds; ValueError where there is none."""
    if re.fullmatch(r"DECIMAL\([0-9]+,[0-9]+\)", duckdb_type):
        return duckdb_type.lower()
    try:
        return _SPARK_TYPES[duckdb_type]
    except KeyError:
        raise ValueError(f"Spark has no type that holds DuckDB's {duckdb_type} exactly") from None


@cache
def raw_tables() -> dict[str, tuple[tuple[str, str], ...]]:
    """The columns of every raw table, (name, DuckDB type) in order, as raw_tables.sql makes them."""
    with duckdb.connect() as connection:
        connection.execute(RAW_TABLES.read_text(encoding="utf-8"))
        return columns_in(connection)


def columns_in(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[tuple[str, str], ...]]:
    """The columns of every table of the schema raw in an open database."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database() and schema_name = 'raw' order by table_name, column_index"
    ).fetchall():
        found.setdefault(table, []).append((column, data_type))
    return {table: tuple(columns) for table, columns in found.items()}


def spark_schema(columns: tuple[tuple[str, str], ...], is_partitioned: bool) -> str:
    """Columns as Spark's DDL; of a partitioned table with its month, which stands last."""
    parts = [f"`{name}` {spark_type(data_type)}" for name, data_type in columns]
    return ", ".join([*parts, f"`{MONTH}` string"] if is_partitioned else parts)


def described(tables: dict[str, dict[str, Any]]) -> str:
    """The text of `_layout.json`: of each table rows, spark_schema and partitioned_by."""
    text = json.dumps({"layout_version": LAYOUT_VERSION, "tables": tables}, indent=1, sort_keys=True)
    return text + "\n"


def month_in_duckdb(moment: str) -> str:
    """The UTC month of an instant as DuckDB's SQL, whatever the session's zone."""
    return _month(moment, "timestamptz '{}-01-01 00:00:00+00'", "strftime(timezone('UTC', {}), '%Y-%m')")


def month_in_spark(moment: str) -> str:
    """The UTC month of an instant as Spark's SQL; the session's zone must be UTC."""
    return _month(moment, "timestamp'{}-01-01 00:00:00+00:00'", "date_format({}, 'yyyy-MM')")


def _month(moment: str, instant: str, month: str) -> str:
    return (
        f"case when {moment} is null then '{NO_MONTH}' "
        f"when {moment} < {instant.format(FIRST_YEAR)} or {moment} >= {instant.format(END_YEAR)} then '{ODD_MONTH}' "
        f"else {month.format(moment)} end"
    )
