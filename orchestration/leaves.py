"""The SQL of a leaf: what one value of a payload, a text or nothing, means in a raw table.

What belongs here: words of DuckDB's SQL for one value. What does not: which values a feed has (event_feeds).
Spark's words for the same are in spark/leaves.py, with the same answers on any text.
"""

from __future__ import annotations

from typing import Any

MILLISECONDS = (-62135596800000, 253402300799999)  # years 0001 to 9999


def clean(leaf: str) -> str:
    """A text that was stated: empty, `undefined` and `null` are not."""
    return f"case when {leaf} not in ('', 'undefined', 'null') then {leaf} end"


def is_number(leaf: str) -> str:
    """Whether a text is a decimal number as JSON or a spreadsheet writes one."""
    return rf"regexp_full_match({leaf}, '\s*[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?\s*')"


def milliseconds(leaf: str) -> str:
    """Epoch milliseconds as BIGINT, clamped to the years 0001 to 9999; null when it is not a number."""
    low, high = MILLISECONDS

    def clamped(value: str) -> str:
        return f"case when {value} between {low} and {high} then {value} when {value} < 0 then {low} else {high} end"

    whole, real = f"try_cast({leaf} as bigint)", f"try_cast({leaf} as double)"
    return (
        # DuckDB's cast also takes 0x19 and 1_000: plain digits come back as they were, all else is looked at.
        f"case when {whole}::varchar = {leaf} then {clamped(whole)} "
        f"when {is_number(leaf)} then ({clamped(real)})::bigint end"
    )


def twin(text: str) -> str:
    """An instant from its text form `2016-08-29 14:30:24.565+0000`; null without a zone."""
    form = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}([.]\d{1,9})?\s?(Z|[+-]\d{2}(:?\d{2})?)"
    return f"case when regexp_full_match({text}, '{form}') then try_cast({text} as timestamptz) end"


def instant(leaf: str, text: str | None = None) -> str:
    """The instant of an L field; its text twin only where the L field is not usable."""
    from_leaf = f"make_timestamptz({milliseconds(leaf)} * 1000)"
    return f"coalesce({from_leaf}, {twin(text)})" if text else from_leaf


def truth(leaf: str) -> str:
    """true or false in any case; null for anything else."""
    return f"case lower({leaf}) when 'true' then true when 'false' then false end"


def is_odd(leaf: str) -> str:
    """Whether a text may be an object or list in disguise, or holds a NUL: to be read again."""
    return f"coalesce(ascii({leaf}) in (91, 123) or contains({leaf}, chr(0)), false)"


def is_unusable(leaf: str) -> str:
    """Whether a key is missing or odd."""
    return f"({leaf} is null or {leaf} in ('', 'undefined', 'null') or {is_odd(leaf)})"


def duckdb_type(shape: Any) -> str:
    """A projected shape as a DuckDB type."""
    if isinstance(shape, dict):
        return "struct(" + ", ".join(f'"{key}" {duckdb_type(part)}' for key, part in shape.items()) + ")"
    return f"{duckdb_type(shape[0])}[]" if isinstance(shape, list) else shape
