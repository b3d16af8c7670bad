"""What a person reads and what bench.json holds: each ratio with its bound, what is over what, and the pieces' costs.

What belongs here: words and bounds. What does not: measuring.
"""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import psutil

from benchmarks.bench import Bench
from benchmarks.measure import PROJECT
from orchestration.terminal import table

# Ratio -> (bound, "at most" or "at least", what it is). None: shown, not bounded.
RATIOS: dict[str, tuple[float | None, str, str]] = {
    "load_ratio": (2.0, "at most", ".jsonl files to raw tables / reading the same bytes as lines of text"),
    "load_pages_ratio": (2.5, "at most", ".json pages to raw tables / reading the same bytes as lines of text"),
    "load_stored_ratio": (None, "", ".jsonl files to raw tables / storing the same lines of text in a table"),
    "load_pages_stored_ratio": (None, "", ".json pages to raw tables / storing the same lines of text in a table"),
    "load_bare_ratio": (None, "", ".jsonl files to raw tables / one read_json into a table of messages"),
    "load_pages_bare_ratio": (None, "", ".json pages to raw tables / one read_json into a table of messages"),
    "load_least_ratio": (None, "", ".jsonl files to raw tables / hashing and parsing them, nothing kept"),
    "load_pages_least_ratio": (None, "", ".json pages to raw tables / hashing and parsing them, nothing kept"),
    "least_text_ratio": (None, "", "hashing and parsing .jsonl files, nothing kept / reading them as lines of text"),
    "least_pages_text_ratio": (None, "", "hashing and parsing .json pages, nothing kept / reading them as text"),
    "build_ratio": (4.0, "at most", "all models from raw tables to marts / one create table by hand"),
    "build_fixed_ratio": (None, "", "of that dbt's own: the same build of a conversation a day / the create table"),
    "peer_ratio": (1.5, "at least", "a Polars program, same files, same results / our load and build"),
    "growth_ratio": (10.5, "at most", "load and build of the month / of a tenth of it"),
    "growth_build_ratio": (10.5, "at most", "build of the large month filled by SQL / of a tenth of it"),
    "growth_increment_ratio": (None, "", "build of one more day on the large month / of the large month"),
    "growth_publish_ratio": (None, "", "publication of one more day on the large month / of the large month"),
    "increment_ratio": (0.15, "at most", "load and build of one more day / of the whole month"),
    "publish_ratio": (None, "", "publication of one more day / of the whole month"),
    "late_ratio": (None, "", "load and build of 1 % late records of a month / of that whole month"),
    "fixed_ratio": (1.3, "at most", "a run with nothing new / import dagster + import great_expectations + dbt parse"),
    "spark_duckdb_ratio": (None, "", "the same models on Spark, local mode / on DuckDB"),
    "site_day_ratio": (None, "", "DARs by site-local day / by UTC day"),
    "site_day_arithmetic_ratio": (None, "", "DARs by site-local day / by UTC day without a cast"),
}


def machine() -> dict[str, Any]:
    """What it ran on: cores, memory, versions."""
    memory = psutil.virtual_memory().total
    packages = ("duckdb", "polars", "dbt-core", "dbt-duckdb", "dagster", "great-expectations", "tzdata")
    return {
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "architecture": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def as_json(bench: Bench) -> dict[str, Any]:
    """All figures: the ratios first."""
    return {
        **{name: round(value, 3) for name, value in bench.ratios.items()},
        "by_processor": {name: round(value, 3) for name, value in bench.by_processor.items()},
        "messages": bench.messages,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "repeat": bench.repeat,
        "machine": machine(),
        "pieces": bench.pieces,
        "notes": bench.notes,
    }


def _commit() -> str | None:
    """The commit of the code that ran, with a plus where files were changed since; None outside of a repository."""
    git = ["git", "-C", str(PROJECT)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")


def as_markdown(figures: dict[str, Any], is_short: bool = False) -> str:
    """The ratios of a bench.json as a table, with its date, size and machine; the short one has those with a bound."""
    about = figures["machine"]
    rows = [
        f"| `{name}` | {words} | {_figure(figures[name])} | {_figure(figures['by_processor'].get(name)) or ''} | "
        f"{f'{side} {bound:g}' if bound is not None else ''} |"
        for name, (bound, side, words) in RATIOS.items()
        if name in figures and not (is_short and bound is None)
    ]
    return "\n".join(
        (
            f"{figures['messages']:,} messages, medians of {figures['repeat']} turns, measured on "
            f"{figures['measured_on']} (commit {figures['commit']}) on {about['cores']} shared cores "
            f"({about['architecture']}), {about['memory_bytes'] / 2**30:.0f} GiB, Python {about['python']}, "
            f"DuckDB {about['duckdb']}, Polars {about['polars']}, dbt {about['dbt-core']}:",
            "",
            "| ratio | what over what | value | by processor | wanted |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        )
    )


def _figure(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(Decimal("0.01"))


def as_text(bench: Bench) -> str:
    """The table for a person."""
    about = machine()
    head = (
        f"{bench.messages:,} messages, medians of {bench.repeat} interleaved runs, on {about['cores']} cores "
        f"({about['architecture']}), {about['memory_bytes'] / 2**30:.0f} GiB, Python {about['python']}, "
        f"DuckDB {about['duckdb']}, Polars {about['polars']}, dbt {about['dbt-core']}"
    )
    ratios = []
    for name, value in bench.ratios.items():
        bound, side, words = RATIOS.get(name, (None, "", ""))
        wanted = f"{side} {bound:g}" if bound is not None else ""
        is_met = "" if bound is None else ("yes" if (value <= bound) == (side == "at most") else "NO")
        by_processor = bench.by_processor.get(name)
        ratios.append((name, _figure(value), _figure(by_processor), wanted, is_met, words))
    pieces = [
        (
            name,
            *(_figure(piece[kind]) for kind in ("seconds", "process_seconds", "processor_seconds")),
            round(piece["peak_bytes"] / 2**20),
        )
        for name, piece in bench.pieces.items()
        if "peak_bytes" in piece
    ]
    return "\n\n".join(
        (
            head,
            table(["ratio", "value", "by processor", "wanted", "met", "what over what"], ratios),
            table(["piece", "seconds", "whole process", "processor", "peak MiB"], pieces),
        )
    )
