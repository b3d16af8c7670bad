"""docs/cookbook.md: its queries, run on the demo's published file, and their results as tables.

`python tests/end_to_end/cookbook.py <published file>` writes the results anew; with `--print` it shows the page
instead. It needs nothing but a DuckDB client, of any release from 1.0 on.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cookbook.md"
RECIPE = re.compile(r"```sql\n(?P<query>.+?)```\n\n(?P<result>(?:\|[^\n]*\n)*\n?)", re.DOTALL)


def queries(text: str) -> list[str]:
    """The page's queries, in order."""
    return [found["query"] for found in RECIPE.finditer(text)]


def with_results(text: str, connection: duckdb.DuckDBPyConnection) -> str:
    """The page with each query's result, as the file has it, in the place of what stands there."""

    def answered(found: re.Match[str]) -> str:
        return f"```sql\n{found['query']}```\n\n{_table(connection, found['query'])}\n"

    return RECIPE.sub(answered, text)


def _table(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    result = connection.execute(query)
    names = [column[0] for column in result.description or ()]
    rows = result.fetchall()
    is_number = [all(isinstance(row[place], Decimal | int | None) for row in rows) for place in range(len(names))]
    lines = [
        names,
        ["---:" if number else "---" for number in is_number],
        *([_cell(cell, name) for cell, name in zip(row, names, strict=True)] for row in rows),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: Any, name: str) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            # Money with two decimals at least, whatever else without zeros at its end.
            text = format(value, "f")
            is_money = name == "amount" or name.endswith("_amount")
            return (
                re.sub(r"(\.\d\d)0+$" if is_money else r"\.?0+$", r"\1" if is_money else "", text)
                if "." in text
                else text
            )
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        case _:
            return str(value).replace("|", "\\|")


def open_published(path: Path) -> duckdb.DuckDBPyConnection:
    """The file as a reader opens it, instants in UTC."""
    connection = duckdb.connect(str(path), read_only=True)
    connection.execute("set TimeZone = 'UTC'")
    return connection


def main(arguments: list[str]) -> None:
    """Write or print the page with the results of the file that is named."""
    file, *options = arguments
    with open_published(Path(file)) as connection:
        page = with_results(PAGE.read_text(encoding="utf-8"), connection)
    if "--print" in options:
        sys.stdout.write(page)
    else:
        PAGE.write_text(page, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
