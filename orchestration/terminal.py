"""What a person sees in a terminal: aligned tables and single lines, coloured only on a terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

BOLD, DIM, RED, GREEN, YELLOW = "1", "2", "31", "32", "33"


def is_coloured(stream: Any = None) -> bool:
    """Colour only where a person looks, and never against NO_COLOR."""
    stream = stream or sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: Any = None) -> str:
    """The text in a colour, or as it is."""
    return f"\x1b[{colour}m{text}\x1b[0m" if is_coloured(stream) else text


def plain(value: Any) -> str:
    """A cell as one line of printable text: ids and names come from outside and may hold control characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in str(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], colours: dict[str, str] | None = None) -> str:
    """An aligned table: numbers to the right, words to the left; `colours` paints cells by their text."""
    rows = [list(row) for row in rows]
    cells = [[plain(value) for value in row] for row in rows]
    widths = [max([len(name), *(len(row[index]) for row in cells)]) for index, name in enumerate(columns)]
    right = [
        any(isinstance(row[index], int | Decimal) and not isinstance(row[index], bool) for row in rows)
        for index in range(len(columns))
    ]

    def line(values: Sequence[str]) -> list[str]:
        return [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(values, widths, right, strict=True)
        ]

    lines = ["  ".join(paint(cell, BOLD) for cell in line(columns)).rstrip()]
    for row in cells:
        painted = [
            paint(cell, colours[text]) if colours and text in colours else cell
            for cell, text in zip(line(row), row, strict=True)
        ]
        lines.append("  ".join(painted).rstrip())
    return "\n".join(lines)
