"""Pages that stand alone: tables, charts and templates to one HTML file that needs no network and no script.

What belongs here: how a page is put together. What does not: what it says (finance, statements).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestration.tables import FileOfTable
from orchestration.versions import file_sha256

TEMPLATES = Path(__file__).with_name("templates")
TEXT, NUMBER, FILE = "text", "number", "file"

Row = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """A cell that is more than its text: a link, or a tone (`bad`, `warn`, `good`, `quiet`)."""

    text: str
    href: str | None = None
    tone: str | None = None


@dataclass(frozen=True)
class Table:
    """A table of a page. The first column names its row; figures stand to the right; `foot` holds totals."""

    caption: str
    columns: Sequence[tuple[str, str]]  # name; TEXT, NUMBER or FILE
    rows: Sequence[Sequence[str | Cell]]
    foot: Sequence[Sequence[str | Cell]] = ()


@dataclass(frozen=True)
class Chart:
    """A drawing, what it says in one sentence, and its figures as a table for who cannot see it."""

    title: str
    summary: str
    svg: Markup
    figures: Table


@dataclass(frozen=True)
class Page:
    """A page's frame: its title, status (`draft`, `final`), the facts printed at its end, and what is in it."""

    title: str
    status: str
    facts: Sequence[tuple[str, str]]
    content: Mapping[str, Any] = field(default_factory=dict)


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    """A query's rows as dictionaries."""
    result = connection.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def grouped(rows: Iterable[Row], key: str) -> dict[Any, list[Row]]:
    """Rows by the value of a column, in their order."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def link(*parts: str) -> str:
    """A relative address of path parts; names are encoded once more, as a browser decodes them."""
    return "/".join(quote(part) for part in parts)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _style() -> Markup:
    """The one style sheet, ours: safe to stand in a page."""
    return Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704


def write_page(folder: Path, name: str, template: str, page: Page) -> FileOfTable:
    """Render a page into a file below `folder`; `name` may have folders in it, which exist."""
    path = folder / name
    text = _environment().get_template(template).render(page=page, style=_style(), **page.content)
    path.write_text(text, encoding="utf-8", newline="\n")
    return FileOfTable(name, None, path.stat().st_size, file_sha256(path))
