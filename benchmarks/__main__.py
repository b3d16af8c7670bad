"""`make bench`: what things cost, as ratios within one run (these machines are shared: seconds are not comparable)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import month, report
from benchmarks.bench import Bench

SECTIONS = (*month.SECTIONS,)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line; SystemExit for a section that there is none of."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000, help="messages of the month (default 10 million)")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions, of which the median counts (default 3)")
    parser.add_argument("--only", default="", help=f"some of {','.join(SECTIONS)}, with commas between")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go (bench.json)")
    parser.add_argument("--folder", type=Path, help="where the data is written and removed (default: the system's)")
    options = parser.parse_args(arguments)
    options.sections = set(options.only.split(",")) if options.only else set(SECTIONS)
    unknown = options.sections - set(SECTIONS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}: choose of {', '.join(SECTIONS)}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sections asked for, print the table and write bench.json; 0 whatever the ratios are."""
    options = parse(arguments)
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir=options.folder) as folder:
        bench = Bench(options.messages, Path(folder), options.repeat)
        wanted = options.sections & set(month.SECTIONS)
        if wanted:
            month.run(bench, wanted)
        print(report.as_text(bench))
        report.write(bench, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
