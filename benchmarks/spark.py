"""Spark beside DuckDB on one machine: `python -m benchmarks.spark --messages N`, one JSON line.

The models that are Spark's with LEDGER_ENGINE=spark (docs/spark.md), without data tests, on the same raw tables:
`spark_duckdb_ratio` is the seconds of Spark's `dbt build` over those of DuckDB's, each from its start to its end,
without the start of its process. Beside it what surrounds Spark's build: the raw tables' export, the edge tables'
import; bytes shuffled; seconds by model. `--giant`: all messages are one site's, and the same again.
What does not belong here: the month (shape), how a process is watched (measure).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.homes import Home
from benchmarks.measure import Cost, run_process

ENGINES = ("duckdb", "spark")
SHOWN = 8
# Raw tables with a site of their own; the giant takes all of them over.
OF_A_SITE = ("conversations", "messages", "agent_participants", "consumer_participants", "cobrowse_sessions",
             "function_invocations", "platform_users", "platform_user_snapshots", "pages")  # fmt: skip


def what_spark_lacks() -> str | None:
    """What to install before Spark can be measured here; None where nothing is missing."""
    from orchestration.settings import Settings

    if not Settings.from_environment().spark_python.exists():
        return "run `make spark` first"
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        return "install Java 17 or newer first"
    return None


def on_duckdb() -> dict[str, Any]:
    """Spark's models, built by DuckDB in this home."""
    from orchestration import models
    from orchestration.settings import Settings
    from orchestration.spark import sides

    settings = Settings.from_environment()
    manifest = models.read_manifest(settings)
    mine = [one for one in sides.spark_nodes(manifest) if not one.startswith("test.")]
    started = time.perf_counter()
    build = models.build(settings, sides.names(manifest, mine), data_tests="none")
    seconds = time.perf_counter() - started
    return _answer(seconds, build.seconds_by_node, build.failures)


def on_spark() -> dict[str, Any]:
    """The same by Spark, with its export and import around it."""
    from orchestration import models
    from orchestration.settings import Settings
    from orchestration.spark import build as spark

    settings = Settings.from_environment()
    manifest = models.read_manifest(settings)
    started = time.perf_counter()
    answer = spark.run_spark_part(settings, manifest, None, has_data_tests=False)
    around = {"whole_seconds": round(time.perf_counter() - started, 3), **answer.get("work", {})}
    return _answer(answer.get("built_seconds", 0), answer["seconds_by_node"], answer["failures"]) | around


def _answer(seconds: float, by_node: dict[str, float], failures: list[str]) -> dict[str, Any]:
    if failures:
        raise SystemExit("\n".join(failures))
    slowest = sorted(by_node.items(), key=lambda item: -item[1])[:SHOWN]
    return {"seconds": seconds, "slowest": {name.split(".")[-1]: round(taken, 2) for name, taken in slowest}}


def make_giant(home: Home) -> None:
    """All events become one site's: the largest one's."""
    import duckdb

    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        ((site,),) = connection.execute("select mode(site_id) from raw.conversations").fetchall()
        for table in OF_A_SITE:
            columns = connection.execute(
                "select 1 from duckdb_columns() where schema_name = 'raw' and table_name = ? "
                "and column_name = 'site_id'",
                [table],
            ).fetchall()
            if columns:
                connection.execute(f"update raw.{table} set site_id = ?", [site])


def measure(messages: int, folder: Path, has_giant: bool) -> dict[str, Any]:
    """Both engines on a loaded month of so many messages."""
    bench = Bench(messages, folder, repeat=1)
    home = bench.loaded
    found = {"messages": messages} | _both(bench, home)
    if has_giant:
        home.put_back("loaded")
        make_giant(home)
        home.keep("loaded")
        giant = _both(bench, home)
        found["giant_site"] = giant
        found["giant_site_ratio"] = round(giant["spark"]["seconds"] / found["spark"]["seconds"], 3)
    return found


def _both(bench: Bench, home: Home) -> dict[str, Any]:
    cost: dict[str, Cost] = {}
    for engine in ENGINES:
        home.put_back("loaded")
        bench.say(f"building Spark's models on {engine}")
        cost[engine] = run_process(
            [sys.executable, "-m", "benchmarks.spark", "--piece", engine], home.environment()
        )
    return {
        "spark_duckdb_ratio": round(cost["spark"].seconds / cost["duckdb"].seconds, 3),
        **{
            engine: one.answer
            | {
                "seconds": round(one.seconds, 1),
                "messages_per_second": round(bench.messages / one.seconds),
                "process_seconds": round(one.process_seconds, 1),
                # Java's own time is no child's of this process: Spark says what its tasks took (`task_ms`).
                "processor_seconds": round(one.processor_seconds, 1) if engine == "duckdb" else None,
                "peak_bytes": one.peak_bytes,
            }
            for engine, one in cost.items()
        },
    }


def main() -> int:
    """The measurement as one JSON line, or one engine's piece of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spark", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--giant", action="store_true", help="the same again with all messages at one site")
    parser.add_argument("--folder", type=Path, help="where the data is written and removed (default: the system's)")
    parser.add_argument("--piece", choices=("duckdb", "spark"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.piece:
        print(json.dumps(on_duckdb() if options.piece == "duckdb" else on_spark()))
        return 0
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ledger-spark-", dir=options.folder) as folder:
        print(json.dumps(measure(options.messages, Path(folder), options.giant)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
