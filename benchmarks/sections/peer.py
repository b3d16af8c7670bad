"""peer_ratio: the Polars program's process over our two processes, load and build, each from its start to its end.

The results are compared row by row, both ways: a peer that bills otherwise ends the run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.compare import differences
from benchmarks.homes import Home
from benchmarks.measure import Cost, Median, run_process
from benchmarks.sections import Pieces, Section
from benchmarks.shape import DAY_MS, DAYS, PERIOD, begins_ms


def _pieces(bench: Bench) -> Pieces:
    home = bench.loaded
    return {
        "load": home.loaded_anew,
        "build": lambda: home.built_from("loaded"),
        "peer": lambda: peer(home),
    }


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    bench.conclude(found, "peer_ratio", ["peer"], ["load", "build"])
    require_equal(bench.home.kept("built"), bench.home.path / "peer")
    bench.notes["peer_results"] = "equal to ours"


def peer(home: Home) -> Cost:
    """The Polars program over a home's landing folder, its results beside it."""
    home.read_through()
    return run_process(
        [
            sys.executable, "-m", "benchmarks.peer_polars",
            "--landing", str(home.landing), "--out", str(home.path / "peer"),
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


PEER = Section(_pieces, _conclude)
