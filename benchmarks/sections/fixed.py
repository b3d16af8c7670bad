"""fixed_ratio: `make run` with nothing new, over importing Dagster, importing Great Expectations and `dbt parse`.

Each of the three is measured alone, in turn with the run; dbt's parse is a warm one (nothing changed since the last).
The profile says which packages the run with nothing new imports, in milliseconds of their own (-X importtime).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.homes import Home
from benchmarks.measure import PROJECT, Cost, Median, run_process
from benchmarks.sections import Pieces, Section
from benchmarks.shape import PERIOD

RUN = ["-m", "orchestration", "run", "--period", PERIOD]
IMPORT_TIME = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")
PACKAGES = 12


def _pieces(bench: Bench) -> Pieces:
    home = Home(bench.folder / "fixed")
    home.link_landing(bench.home)
    bench.say(f"a whole run of the month {PERIOD}, after which nothing is new")
    bench.record({"run_first": Median((_command(home, RUN),))})
    return {
        "run_nothing_new": lambda: _command(home, RUN),
        "import_dagster": lambda: _command(home, ["-c", "import dagster"]),
        "import_great_expectations": lambda: _command(home, ["-c", "import great_expectations"]),
        "dbt_parse": lambda: _command(home, _parse(home)),
    }


def _parse(home: Home) -> list[str]:
    root = str(PROJECT)
    return [
        "-m", "dbt.cli.main", "--quiet", "parse", "--project-dir", root, "--profiles-dir", root,
        "--target-path", str(home.path / "dbt"), "--log-path", str(home.path / "dbt"),
    ]  # fmt: skip


def _command(home: Home, arguments: list[str]) -> Cost:
    return run_process([sys.executable, *arguments], home.environment(), has_answer=False)


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    tools = ("import_dagster", "import_great_expectations", "dbt_parse")
    bench.conclude(found, "fixed_ratio", ["run_nothing_new"], tools)
    bench.notes["fixed_profile"] = profile(Home(bench.folder / "fixed"))


def profile(home: Home) -> dict[str, int]:
    """The packages that a run with nothing new imports: milliseconds spent in each package's own files."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *RUN],
        cwd=PROJECT, env={**home.environment(), "PATH": str(Path(sys.executable).parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    own: Counter[str] = Counter()
    for microseconds, name in IMPORT_TIME.findall(told.stderr):
        own[name.split(".")[0]] += int(microseconds)
    return {name: round(value / 1000) for name, value in own.most_common(PACKAGES)}


FIXED = Section(_pieces, _conclude)
