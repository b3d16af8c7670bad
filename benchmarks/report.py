"""What a person reads and what bench.json holds: each ratio with its bound, what is over what, and the pieces' costs.

What belongs here: words and bounds. What does not: measuring.
"""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench import Bench
from orchestration.terminal import table

# Ratio -> (bound, "at most" or "at least", what it is). None: shown, not bounded.
RATIOS: dict[str, tuple[float | None, str, str]] = {
    "load_ratio": (2.0, "at most", ".jsonl files to raw tables / reading the same bytes as lines of text"),
    "load_pages_ratio": (2.5, "at most", ".json pages to raw tables / reading the same bytes as lines of text"),
    "load_stored_ratio": (None, "", ".jsonl files to raw tables / storing the same lines of text in a table"),
    "load_pages_stored_ratio": (None, "", ".json pages to raw tables / storing the same lines of text in a table"),
    "build_ratio": (4.0, "at most", "all models from raw tables to marts / one create table by hand"),
    "build_fixed_ratio": (None, "", "of that dbt's own: the same build of a conversation a day / the create table"),
    "peer_ratio": (1.5, "at least", "a Polars program, same files, same results / our load and build"),
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
        "messages": bench.messages,
        "repeat": bench.repeat,
        "machine": machine(),
        "pieces": bench.pieces,
        "notes": bench.notes,
    }


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
        ratios.append((name, f"{value:.2f}", wanted, is_met, words))
    pieces = [
        (
            name,
            f"{piece['seconds']:.2f}",
            f"{piece['process_seconds']:.2f}",
            f"{piece['processor_seconds']:.2f}",
            f"{piece['peak_bytes'] / 2**20:,.0f}",
        )
        for name, piece in bench.pieces.items()
        if "peak_bytes" in piece
    ]
    return "\n\n".join(
        (
            head,
            table(["ratio", "value", "wanted", "met", "what over what"], ratios),
            table(["piece", "seconds", "whole process", "processor", "peak MiB"], pieces),
        )
    )


def write(bench: Bench, path: Path) -> None:
    """bench.json."""
    path.write_text(json.dumps(as_json(bench), indent=2) + "\n", encoding="utf-8")
