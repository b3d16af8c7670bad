"""A query's rows as one file: CSV for people and spreadsheets, Parquet for programs; read back before it counts.

CSV is RFC 4180 in UTF-8: CRLF, a header, instants and dates in ISO 8601, decimals as they are, empty for null. A text
that a spreadsheet would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.content import literal
from orchestration.versions import file_sha256

ROWS_AT_ONCE = 10_000
ROW_GROUP_SIZE = 122_880
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


@dataclass(frozen=True)
class FileOfTable:
    """A written file as it was read back: rows if it is a table, its sum of `amount` per currency if it has one.

    `name` is its path inside the period's folder, with slashes.
    """

    name: str
    rows: int | None
    size_bytes: int
    sha256: str
    sums: Mapping[str, Decimal] = field(default_factory=dict)

    def entry(self) -> dict[str, Any]:
        """What the manifest says of it."""
        sums = {currency: format(amount, "f") for currency, amount in self.sums.items()}
        rows = {} if self.rows is None else {"rows": self.rows}
        return rows | {"bytes": self.size_bytes, "sha256": self.sha256} | ({"sums": sums} if sums else {})


def write_table(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], path: Path
) -> FileOfTable:
    """Write an ordered query's rows to a .csv or .parquet file and say what the file then holds."""
    if path.suffix == ".csv":
        _write_csv(connection, query, parameters, path)
        reader = (
            f"read_csv({literal(str(path))}, header = true, all_varchar = true, auto_detect = true, delim = ',', "
            "quote = '\"', escape = '\"', null_padding = false, strict_mode = true)"
        )
    else:
        _write_parquet(connection, query, parameters, path)
        reader = f"read_parquet({literal(str(path))})"
    rows, sums = sums_per_currency(connection, f"from {reader}", {})
    return FileOfTable(path.name, rows, path.stat().st_size, file_sha256(path), sums)


def sums_per_currency(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]
) -> tuple[int, dict[str, Decimal]]:
    """How many rows a query gives, and the exact sum of `amount` per `currency_code` where it has both."""
    columns = {row[0] for row in connection.execute(f"describe {query}", dict(parameters)).fetchall()}
    rows = connection.execute(f"select count(*) from ({query})", dict(parameters)).fetchall()[0][0]
    if not {"amount", "currency_code"} <= columns:
        return rows, {}
    sums = connection.execute(
        f"select currency_code, sum(cast(amount as decimal(38, 4))) from ({query}) group by 1 order by 1",
        dict(parameters),
    ).fetchall()
    return rows, dict(sums)


def _write_csv(connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], path: Path) -> None:
    result = connection.execute(query, dict(parameters))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column[0] for column in result.description or ()])
        while rows := result.fetchmany(ROWS_AT_ONCE):
            writer.writerows([[csv_cell(value) for value in row] for row in rows])


def csv_cell(value: Any) -> str:
    """A value as a CSV cell."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case str():
            return harmless(value)
        case _:
            return str(value)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers stay as they are."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not NUMBER.fullmatch(text) else text


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], path: Path
) -> None:
    """One thread and a fixed row group: the same rows give the same bytes."""
    threads = connection.execute("select current_setting('threads')").fetchall()[0][0]
    connection.execute("set threads = 1")
    try:
        connection.execute(
            f"copy ({query}) to {literal(str(path))} "
            f"(format parquet, compression zstd, row_group_size {ROW_GROUP_SIZE})",
            dict(parameters),
        )
    finally:
        connection.execute(f"set threads = {threads}")
