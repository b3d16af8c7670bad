"""load_ratio, build_ratio, peer_ratio: one month from files to invoice lines, beside plainer ways to do a part of it.

- load_ratio: `.jsonl` files to raw tables (all feeds, reference, zones; hashed, with manifest and rejects) over DuckDB
  reading the same files as one text column a line and adding up the lines' bytes; nothing of the text is stored.
  load_pages_ratio: the same for `.json` pages of 100 records, a page being one line.
  load_stored_ratio, load_pages_stored_ratio: the same over storing those lines in a table.
- build_ratio: `dbt build` without data tests, seeds included, from its start to its end, over one `create table` that
  groups raw.messages by (site, participant, conversation, UTC day). build_fixed_ratio: the same dbt build with a
  conversation a day in the raw tables, over the same `create table`: what of build_ratio is dbt's own.
- peer_ratio: the Polars program's process over our two processes, load and build, each from its start to its end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.compare import differences
from benchmarks.measure import Cost, in_turn, run_process
from benchmarks.shape import DAY_MS, DAYS, PERIOD, begins_ms

SECTIONS = ("load", "build", "peer")


def run(bench: Bench, sections: set[str]) -> None:
    """Measure what these sections need, all in turn, and note their ratios. SystemExit if the peer bills otherwise."""
    home, pieces = bench.home, {}
    if sections & {"load"}:
        pages = bench.pages
        pieces |= {
            "text": lambda: home.piece("text", "--folder", str(home.landing)),
            "text_stored": lambda: home.piece("text", "--folder", str(home.landing), "--is-stored"),
            "text_pages": lambda: pages.piece("text", "--folder", str(pages.landing)),
            "text_pages_stored": lambda: pages.piece("text", "--folder", str(pages.landing), "--is-stored"),
            "load_pages": pages.loaded_anew,
        }
    if sections & {"load", "peer"}:
        pieces["load"] = home.loaded_anew
    if sections & {"build", "peer"}:
        loaded = bench.loaded
        pieces["build"] = lambda: loaded.built_from("loaded")
    if "build" in sections:
        tiny = bench.tiny
        pieces |= {"hand": _hand(bench), "build_fixed": lambda: tiny.built_from("loaded")}
    if "peer" in sections:
        pieces["peer"] = lambda: peer(home.landing, home.path / "peer")
    bench.say(f"measuring {', '.join(pieces)}: {bench.repeat} times")
    found = in_turn(pieces, bench.repeat)
    bench.record(found)
    ratios = bench.ratios
    if "load" in sections:
        ratios["load_ratio"] = found["load"].seconds / found["text"].seconds
        ratios["load_pages_ratio"] = found["load_pages"].seconds / found["text_pages"].seconds
        ratios["load_stored_ratio"] = found["load"].seconds / found["text_stored"].seconds
        ratios["load_pages_stored_ratio"] = found["load_pages"].seconds / found["text_pages_stored"].seconds
    if "build" in sections:
        ratios["build_ratio"] = found["build"].seconds / found["hand"].seconds
        ratios["build_fixed_ratio"] = found["build_fixed"].seconds / found["hand"].seconds
    if "peer" in sections:
        ours = found["load"].process_seconds + found["build"].process_seconds
        ratios["peer_ratio"] = found["peer"].process_seconds / ours
        loaded.built_from("loaded")  # `load` has emptied it since
        require_equal(loaded.warehouse, home.path / "peer")
        bench.notes["peer_results"] = "equal to ours"


def _hand(bench: Bench) -> Callable[[], Cost]:
    def measured() -> Cost:
        bench.loaded.put_back("loaded")
        return bench.loaded.piece("hand")

    return measured


def peer(landing: Path, out: Path) -> Cost:
    """The Polars program over a landing folder."""
    return run_process(
        [
            sys.executable, "-m", "benchmarks.peer_polars", "--landing", str(landing), "--out", str(out),
            "--first-ms", str(begins_ms() - DAY_MS), "--last-ms", str(begins_ms() + (DAYS + 2) * DAY_MS),
            "--until", f"{PERIOD}-01",
        ]
    )  # fmt: skip


def require_equal(warehouse: Path, out: Path) -> None:
    """SystemExit with the first rows where the peer's results are not ours."""
    found = differences(warehouse, out)
    if found:
        lines = [f"{name}: {rows:,} rows differ, such as {shown}" for name, (rows, shown) in found.items()]
        raise SystemExit("The peer's results are not ours, so its time says nothing:\n" + "\n".join(lines))
