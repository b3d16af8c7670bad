"""One landing folder loaded by both engines, and what differs between their raw tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration import landing, reference, zones
from orchestration.event_feeds import RECORDS_PER_CONTENT
from orchestration.settings import Settings, connect
from orchestration.spark import layout
from orchestration.spark.export import export_raw, reference_folder
from orchestration.spark.loader import SparkLoad

AS_OF = datetime(2026, 4, 20, 12, tzinfo=UTC)


@dataclass
class Loaded:
    """A connection that sees DuckDB's tables as raw.* and Spark's as spark.*, content ids as paths in both."""

    connection: duckdb.DuckDBPyConnection
    counts: dict[str, int]
    folder: Path

    def differences(self, table: str) -> list[tuple]:
        """Rows of a table that one engine has and the other has not (with their number), the engine's name first."""
        found = []
        for name, one, other in (("only duckdb", "duck", "spark"), ("only spark", "spark", "duck")):
            rows = self.connection.execute(f"from {one}.{table} except all from {other}.{table} limit 20").fetchall()
            found += [(name, *row) for row in rows]
        return found

    def rows(self, sql: str) -> list[tuple]:
        """Rows of a query."""
        return self.connection.execute(sql).fetchall()


def load_both(spark: Any, home: Path, key: bytes | None = None, withdrawn: frozenset[str] = frozenset()) -> Loaded:
    """Load a home's landing folder with DuckDB and with Spark."""
    settings = Settings(home=home, as_of=AS_OF, pseudonym_key=key)
    with connect(settings) as connection:
        landing.load_landing(connection, settings, lambda _: None)
        reference.load_reference(connection, settings, lambda _: None)
        zones.load_zone_offsets(connection)
    export_raw(settings, is_reference_only=True)
    folder = home / "spark" / "raw"
    counts = SparkLoad(
        spark, str(settings.landing), str(reference_folder(settings)), str(folder), withdrawn, key, lambda _: None
    ).run()
    return Loaded(_side_by_side(settings, folder), counts, folder)


def plain(folder: Path) -> str:
    """A folder as DuckDB takes it in a pattern, its own brackets no pattern."""
    return str(folder).replace("[", "[[]")


def _side_by_side(settings: Settings, folder: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
    connection.execute("create schema duck; create schema spark; create schema parquet")
    for table, columns in layout.raw_tables().items():
        files = list((folder / table).rglob("*.parquet"))
        listed = ", ".join(f'"{name}"' for name, _ in columns)
        source = f"read_parquet('{plain(folder)}/{table}/**/*.parquet', hive_partitioning = false)"
        if not files:
            types = ", ".join(f'null::{data_type} as "{name}"' for name, data_type in columns)
            source = f"(select {types} where false)"
        connection.execute(f"create view parquet.{table} as select {listed} from {source}")
    for side, schema in (("duck", "warehouse.raw"), ("spark", "parquet")):
        connection.execute(
            f"create table {side}.path_of as "
            f"select content_id, min(path) as path from {schema}.landing_files group by content_id"
        )
        for table, columns in layout.raw_tables().items():
            parts = ", ".join(_comparable(side, name) for name, _ in columns)
            connection.execute(f"create view {side}.{table} as select {parts} from {schema}.{table} as raw")
    return connection


def _comparable(side: str, column: str) -> str:
    path = f"(select path from {side}.path_of as files where files.content_id = {{}})"
    if column == "content_id":
        return path.format("raw.content_id") + " as content_id"
    if column == "conversation_copy_id":
        file = path.format(f"raw.conversation_copy_id // {RECORDS_PER_CONTENT}")
        return f"{file} || ':' || raw.conversation_copy_id % {RECORDS_PER_CONTENT} as conversation_copy_id"
    return "mtime_ns // 1000000 as mtime_ns" if column == "mtime_ns" else f'"{column}"'  # Hadoop knows milliseconds
