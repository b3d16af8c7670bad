"""The table macros of the published file: drill-down in plain SQL, one file a macro under published_macros/.

They live here, beside raw_tables.sql, and not among dbt's macros: dbt's are Jinja that is gone once a model is
compiled, these are objects of the file that finance opens, written and compared by publication. A file begins with
comment lines, the signature and then what becomes the macro's comment, and goes on with its query. What does not
belong here: how the file is written (publication).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.content import literal, quoted
from orchestration.settings import LedgerError, Settings

FOLDER = Path("orchestration") / "published_macros"  # inside the project
SIGNATURE = re.compile(r"(?P<name>[a-z_]+)\((?P<parameters>[a-z_, ]*)\)")


@dataclass(frozen=True)
class PublishedMacro:
    """One table macro: `from name(parameters)`."""

    name: str
    parameters: tuple[str, ...]
    comment: str
    query: str


def published_macros(settings: Settings) -> list[PublishedMacro]:
    """Every macro of the project, by name. LedgerError for none, and for a file that is not one commented macro."""
    paths = sorted((settings.project_root / FOLDER).glob("*.sql"))
    if not paths:
        raise LedgerError(f"{FOLDER} holds no macro to publish: restore it from the repository.")
    return [_read(path) for path in paths]


def _read(path: Path) -> PublishedMacro:
    lines = path.read_text(encoding="utf-8").strip().splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    signature, *comment = [line.removeprefix("--").strip() for line in lines[:end]] or [""]
    query = "\n".join(lines[end:])
    found = SIGNATURE.fullmatch(signature)
    if not found or found["name"] != path.stem or not comment or not query:
        raise LedgerError(
            f"{path} is no published macro: it begins with the comment lines `-- {path.stem}(...)` and what it is, "
            "and goes on with its query. Restore it from the repository."
        )
    parameters = tuple(name.strip() for name in found["parameters"].split(",") if name.strip())
    return PublishedMacro(found["name"], parameters, "\n".join(comment), query)


def write_macros(connection: duckdb.DuckDBPyConnection, database: str, macros: list[PublishedMacro]) -> None:
    """Create the macros with their comments in schema main of an attached database, where bare names find them.

    The tables that they read must be there: the engine binds them by schema, whatever the file is attached as.
    """
    home = connection.execute("select current_database()").fetchall()[0][0]
    connection.execute(f"use {database}")
    try:
        for macro in macros:
            name = f"main.{quoted(macro.name)}"
            connection.execute(f"create macro {name}({', '.join(macro.parameters)}) as table {macro.query}")
            connection.execute(f"comment on macro table {name} is {literal(macro.comment)}")
    finally:
        connection.execute(f"use {home}")


def stored_macros(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, tuple[str, str]]:
    """Comment and definition, in the engine's own words, of each macro of an attached database by its signature."""
    rows = connection.execute(
        "select schema_name || '.' || function_name || '(' || array_to_string(parameters, ', ') || ')', comment, "
        "macro_definition from duckdb_functions() where database_name = ? and not internal",
        [database],
    ).fetchall()
    return {name: (comment, definition) for name, comment, definition in rows}
