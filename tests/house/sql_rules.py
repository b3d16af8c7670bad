"""The rules about what SQL may say: clocks, calendars, floats, BETWEEN, literals of the policy.

What belongs here: the lint of SPEC R2 and P7, HOUSE.md and issue 4 item 5, over the text of models and macros. What
does not: style, which is sqlfluff's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from house_project import House


def without_comments(sql: str) -> str:
    """SQL without Jinja and SQL comments; line numbers are kept."""

    def blank(found: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", found.group())

    sql = re.sub(r"\{#.*?#\}", blank, sql, flags=re.DOTALL)
    sql = re.sub(r"/\*.*?\*/", blank, sql, flags=re.DOTALL)
    return re.sub(r"--[^\n]*", "", sql)


def lines_with(pattern: str, sql: str) -> Iterator[tuple[int, str]]:
    for found in re.finditer(pattern, without_comments(sql), flags=re.IGNORECASE):
        yield sql.count("\n", 0, found.start()) + 1, " ".join(found.group().split())


def without_strings(sql: str) -> str:
    """SQL without what stands in single quotes."""
    return re.sub(r"'[^'\n]*'", "''", sql)


def _calls(name: str, sql: str) -> Iterator[tuple[int, str]]:
    """Calls of a function with what stands in its parentheses."""
    text = without_comments(sql)
    for found in re.finditer(rf"\b{name}\s*\(", text, flags=re.IGNORECASE):
        depth, end = 1, found.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield text.count("\n", 0, found.start()) + 1, " ".join(text[found.end() : end - 1].split())


def _sql_files(house: House, *, macros: bool = False) -> Iterator[tuple[str, str]]:
    for node in house.models:
        yield node["name"], node["raw_code"]
    if macros:
        for path in sorted((house.root / "macros").rglob("*.sql")):
            yield path.stem, path.read_text(encoding="utf-8")


CLOCKS = r"\b(now|today|get_current_\w+|transaction_timestamp|clock_timestamp)\s*\(|\bcurrent_(date|time|timestamp)\b"

CALENDAR = (
    r"::\s*(date|timestamp)\b"
    r"|\bat\s+time\s+zone\b"
    r"|\b(date_trunc|time_bucket|strftime|strptime|extract|date_part|datepart|datetrunc|timezone|date_diff|datediff"
    r"|date_sub|datesub|year|quarter|month|week|day|dayofweek|dayofyear|isodow|hour|minute|make_date|monthname|dayname"
    r"|last_day)\s*\("
)


def no_clock_in_sql(house: House) -> list[str]:
    """LEDGER_AS_OF, read once per run, is the only clock."""
    return [
        f"{name}:{line}: {text}"
        for name, sql in _sql_files(house, macros=True)
        for line, text in lines_with(CLOCKS, sql)
    ]


def no_calendar_outside_the_macros(house: House) -> list[str]:
    """Issue 4 item 5: an instant becomes a calendar part in macros/ only."""
    findings = []
    for name, sql in _sql_files(house):
        findings += [f"{name}:{line}: {text}" for line, text in lines_with(CALENDAR, sql)]
        for cast in ("cast", "try_cast"):
            for line, inside in _calls(cast, sql):
                if re.search(r"\bas (date|timestamp|time)$", inside, re.IGNORECASE) and not inside.startswith("null "):
                    findings.append(f"{name}:{line}: {cast}({inside})")
    return findings


FLOATS = r"\b(double|float|real|float4|float8)\b|\bavg\s*\(|\bmean\s*\(|(?<![/\w])/(?!/)"


def no_float_in_sql(house: House) -> list[str]:
    """SPEC P7: division of decimals and avg() give DOUBLE in DuckDB."""
    return [
        f"{name}:{line}: {text}"
        for name, sql in _sql_files(house)
        for line, text in lines_with(FLOATS, without_strings(sql))
    ]


def no_between(house: House) -> list[str]:
    """Periods and terms are half-open: BETWEEN includes its end. Window frames may say it."""
    return [
        f"{name}:{line}: between"
        for name, sql in _sql_files(house)
        for line, text in lines_with(r"\b((rows|range)\s+)?between\b", sql)
        if not text.lower().startswith(("rows", "range"))
    ]


def no_policy_value_in_sql(house: House) -> list[str]:
    """No literal site, plan, charge, channel, source, trigger, currency, price or allowance in models or macros."""
    words, numbers = policy_values(house.root)
    findings = []
    for name, sql in _sql_files(house, macros=True):
        for line, text in lines_with(r"'[^']*'", sql):
            if text.strip("'") in words:
                findings.append(f"{name}:{line}: the literal {text}")
        for line, text in lines_with(r"(?<![\w.:'-])\d+(\.\d+)?(?![\w.:'-])", sql):
            if float(text) in numbers:
                findings.append(f"{name}:{line}: the number {text}")
    return findings


def policy_values(root: Path) -> tuple[set[str], set[float]]:
    """Words and numbers that the policy rows state. Powers of ten are left out: they are scales, not prices."""
    folder = root / "seeds" / "policy"
    wanted = {
        "rate_plans": ("rate_plan_id", "rate_plan_name", "currency_code", "platform_user_limit"),
        "rate_plan_charges": ("charge_id", "included_quantity", "block_size", "credits_per_block", "price_per_block",
                              "minimum_amount", "maximum_amount"),
        "rate_plan_tiers": ("charge_id", "tier_from", "tier_to", "unit_price", "flat_price"),
        "rate_plan_channels": ("channel",),
        "channels": ("source", "channel"),
        "trigger_rules": ("trigger",),
        "currencies": ("currency_code",),
        "settings": ("value",),
        "support_scopes": ("scope",),
        "support_openers": ("opened_by",),
    }  # fmt: skip
    words: set[str] = set()
    numbers: set[float] = set()
    for name, columns in wanted.items():
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                for value in (row[column] for column in columns):
                    if re.fullmatch(r"-?\d+(\.\d+)?", value):
                        numbers.add(float(value))
                    elif value:
                        words.add(value)
    scales = {0.0, *(10.0**power for power in range(13))}
    # Small whole numbers are counts in SQL (a place, a sign, a digit of the minor unit); booleans are no policy words.
    return words - {"true", "false"}, {number for number in numbers - scales if number >= 20 or number % 1}
