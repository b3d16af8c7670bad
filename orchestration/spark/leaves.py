"""The SQL of a leaf in Spark's words: what leaves.py says in DuckDB's, with the same answers on any text.

What belongs here: expressions over one text. What does not: which field means what (rows.py). Both engines answer
alike on every value of tests/spark/test_spark_leaves.py.
"""

from __future__ import annotations

from typing import Any

from orchestration.leaves import MILLISECONDS, clean

__all__ = ["clean", "has_infinity", "instant", "is_number", "milliseconds", "spark_shape", "truth", "twin", "whole"]

_NUMBER = r"[ \\t\\n\\f\\r]*[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?[ \\t\\n\\f\\r]*"
_TWIN = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})([.][0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
)


def spark_shape(shape: Any) -> str:
    """A projected shape of records.py as a Spark type."""
    if isinstance(shape, dict):
        return "struct<" + ",".join(f"`{key}`:{spark_shape(part)}" for key, part in shape.items()) + ">"
    return f"array<{spark_shape(shape[0])}>" if isinstance(shape, list) else "string"


def is_number(leaf: str) -> str:
    """Whether a text is a decimal number as JSON or a spreadsheet writes one."""
    return f"{leaf} rlike '\\\\A(?:{_NUMBER})\\\\z'"


def milliseconds(leaf: str) -> str:
    """Epoch milliseconds as BIGINT, clamped to the years 0001 to 9999; null when it is not a number."""
    low, high = MILLISECONDS

    def clamped(value: str) -> str:
        return (
            f"case when {value} between {low} and {high} then {value} "
            f"when {value} < 0 then cast({low} as {{kind}}) else cast({high} as {{kind}}) end"
        )

    plain, real = f"try_cast({leaf} as bigint)", f"try_cast(trim({leaf}) as double)"
    return (
        f"case when cast({plain} as string) = {leaf} then {clamped(plain).format(kind='bigint')} "
        f"when {is_number(leaf)} then cast(rint({clamped(real).format(kind='double')}) as bigint) end"
    )


def twin(text: str) -> str:
    """An instant from its text form `2016-08-29 14:30:24.565+0000`; null without a zone.

    The parts are put together by hand: Spark takes no offset above 18 hours, DuckDB any two digits, and 24:00 too.
    """

    def part(number: int) -> str:
        return f"regexp_extract({text}, '\\\\A{_TWIN}\\\\z', {number})"

    clock = part(2)
    day = f"try_cast({part(1)} as date)"
    is_midnight = f"({clock} = '24:00:00' and trim(trailing '0' from {part(3)}) in ('', '.'))"
    time = (
        f"unix_micros(try_cast(concat({part(1)}, ' ', {clock}, substr({part(3)}, 1, 7)) as timestamp))"
    )
    next_day = f"(unix_date({day}) + 1) * 86400000000"
    digits = f"rpad(replace(replace(replace({part(4)}, ':', ''), 'Z', '+0000'), '-', '+'), 5, '0')"
    seconds = f"(cast(substr({digits}, 2, 2) as bigint) * 3600 + cast(substr({digits}, 4, 2) as bigint) * 60)"
    signed = f"case when {part(4)} like '-%' then -1 else 1 end * {seconds} * 1000000"
    return (
        f"case when {text} rlike '\\\\A{_TWIN}\\\\z' then "
        f"timestamp_micros(case when {is_midnight} then {next_day} else {time} end - {signed}) end"
    )


def instant(leaf: str, text: str | None = None) -> str:
    """The instant of an L field; its text twin only where the L field is not usable."""
    from_leaf = f"timestamp_millis({milliseconds(leaf)})"
    return f"coalesce({from_leaf}, {twin(text)})" if text else from_leaf


def truth(leaf: str) -> str:
    """true or false in any case; null for anything else."""
    return f"case lower({leaf}) when 'true' then true when 'false' then false end"


def whole(leaf: str) -> str:
    """A decimal number rounded half away from zero to BIGINT; null when it is none or too large."""
    return (
        f"case when {is_number(leaf)} then try_cast(round(try_cast(trim({leaf}) as decimal(38, 9)), 0) as bigint) end"
    )


def has_infinity(shape: Any, place: str) -> str:
    """Whether a projected value holds a number that Spark's reader took for infinite (1e400): to be read exactly."""
    if isinstance(shape, dict):
        return " or ".join(has_infinity(part, f"{place}.`{key}`") for key, part in shape.items())
    if isinstance(shape, list):
        depth = place.count("item") + 1
        return f"coalesce(exists({place}, item{depth} -> {has_infinity(shape[0], f'item{depth}')}), false)"
    return f"coalesce(contains({place}, 'Infinity'), false)"
