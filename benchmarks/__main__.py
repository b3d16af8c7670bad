"""`make bench`: what things cost, as ratios within one run (these machines are shared: seconds are not comparable)."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report, site_days
from benchmarks.bench import Bench
from benchmarks.measure import in_turn, run_process
from benchmarks.sections import Pieces, Section
from benchmarks.sections.build import BUILD
from benchmarks.sections.fixed import FIXED
from benchmarks.sections.growth import GROWTH, run_by_sql
from benchmarks.sections.increment import INCREMENT
from benchmarks.sections.load import LOAD
from benchmarks.sections.peer import PEER
from benchmarks.spark import ENGINES, what_spark_lacks

IN_TURN: dict[str, Section] = {
    "load": LOAD, "build": BUILD, "peer": PEER, "growth": GROWTH, "increment": INCREMENT, "fixed": FIXED
}  # fmt: skip
SECTIONS = (*IN_TURN, "site_days", "spark")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; SystemExit for a section that there is none of."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000, help="messages of the month (default 10 million)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions, of which the median counts (default 3)")
    parser.add_argument("--only", default="", help=f"some of {','.join(SECTIONS)}, with commas between")
    parser.add_argument("--growth", type=int, help="build so many messages too, raw tables filled by SQL, once")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go (bench.json)")
    parser.add_argument("--folder", type=Path, help="where the data is written and removed (default: the system's)")
    options = parser.parse_args(arguments)
    if options.messages < 1 or options.repeat < 1:
        parser.error("messages and repetitions are at least 1")
    options.sections = options.only.split(",") if options.only else list(SECTIONS)
    unknown = set(options.sections) - set(SECTIONS) - {"none"}
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose of {', '.join(SECTIONS)}, or none")
    return options


def run(bench: Bench, sections: Sequence[str]) -> None:
    """Measure the sections asked for and note their ratios."""
    chosen = [IN_TURN[name] for name in IN_TURN if name in sections]
    pieces: Pieces = {}
    for section in chosen:
        pieces |= section.pieces(bench)
    if pieces:
        bench.say(f"measuring {', '.join(pieces)}: {bench.repeat} times in turn")
        found = in_turn(pieces, bench.repeat, bench.say)
        bench.record(found)
        for section in chosen:
            section.conclude(bench, found)
    if bench.growth:
        run_by_sql(bench, bench.growth)
    if "site_days" in sections:
        bench.say("counting by site-local and by UTC day")
        figures = site_days.measure(bench.messages, bench.repeat, bench.folder / "site-days")
        bench.ratios |= {name: value for name, value in figures.items() if name.endswith("_ratio")}
        bench.notes["site_days"] = figures
    if "spark" in sections:
        _compare_engines(bench)


def _compare_engines(bench: Bench) -> None:
    """The same models on both engines, once, side by side; a note where Spark is not installed here."""
    if (missing := what_spark_lacks()) is not None:
        bench.say(f"not on Spark: {missing}")
        bench.notes["spark"] = missing
        return
    bench.say("the same models on Spark")
    options = ["--messages", str(bench.messages), "--folder", str(bench.folder / "spark")]
    found = run_process([sys.executable, "-m", "benchmarks.spark", *options])
    for engine in ENGINES:
        bench.pieces[f"models_on_{engine}"] = found.answer[engine]
    bench.ratios |= {name: value for name, value in found.answer.items() if name.endswith("_ratio")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections asked for, print the table and write bench.json; 0 whatever the ratios are."""
    options = parse(arguments)
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir=options.folder) as folder:
        bench = Bench(options.messages, Path(folder), options.repeat, options.growth)
        run(bench, options.sections)
    print(report.as_text(bench))
    options.json.write_text(json.dumps(report.as_json(bench), indent=2) + "\n", encoding="utf-8")
    bench.say(f"all figures are in {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
