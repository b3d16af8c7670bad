"""`make test-spark`: the same months on both engines, every table the same row by row, to the last decimal.

The demo's two months are run, reviewed and closed by DuckDB, with the late file between them, and by Dagster with
LEDGER_ENGINE=spark: the first month with DuckDB's loader, the second with Spark's. Spark closes only if its draft has
the digest that was reviewed on DuckDB; marts, seals, published tables and exports are compared. An adversarial landing
folder and policy of a random seed are built on both. The dates of all zones of the pinned tzdata, around each change of
their offsets, are computed on both. The last line counts tables, rows and differences; the exit code is 1 when there
is one.

    PYTHONPATH=tests python -m engines [--seed N] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import demo  # noqa: E402
from engines.compare import Comparison, compare, written_differences  # noqa: E402
from engines.homes import (  # noqa: E402
    FIRST,
    SECOND,
    Home,
    build_both,
    chance_home,
    deliver,
    read_manifest,
    tables_of,
)
from engines.zone_dates import zone_dates  # noqa: E402


@dataclass
class Total:
    """What all comparisons came to."""

    tables: int = 0
    rows: int = 0
    differences: list[str] = field(default_factory=list)

    def add(self, name: str, comparison: Comparison, seconds: float) -> None:
        """Count one comparison, and say its differences."""
        self.tables += comparison.tables
        self.rows += comparison.rows
        print(
            f"{name}: {comparison.tables} tables, {comparison.rows:,} rows, {len(comparison.differences)} differ "
            f"({seconds:.0f} s)",
            flush=True,
        )
        for difference in comparison.differences:
            self.differences.append(f"{name}: {difference.table}: {difference.words}")
            print(f"  {difference.table}: {difference.words[:600]}", flush=True)


def main() -> int:
    """Run all comparisons; 0 when nothing differs."""
    parser = argparse.ArgumentParser(prog="make test-spark")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--keep", type=Path, help="a folder in which the homes stay (default: none)")
    parser.add_argument("--only-java", action="store_true", help="only see whether Spark can run here")
    options = parser.parse_args()
    if (missing := missing_java()) is not None:
        print(missing)
        return 1
    if options.only_java:
        return 0
    folder = options.keep or Path(tempfile.mkdtemp(prefix="ledger-engines-"))
    print(f"seed {options.seed}, in {folder}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    total = run(folder, options.seed)  # what could not run leaves its homes and logs there
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{total.tables} tables, {total.rows:,} rows compared, {len(total.differences)} differences.")
    return 1 if total.differences or not total.rows else 0


def missing_java() -> str | None:
    """Why Spark cannot run on this machine, in a sentence; None where it can."""
    java = shutil.which("java")
    if java is None:
        return (
            "Spark needs Java 17 or newer and this machine has none: install a JRE, then run `make test-spark` again."
        )
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = said.split('"')[1].split(".")[0] if '"' in said else "0"
    if int(version) < 17:
        return f"Spark needs Java 17 or newer and this machine has {version}: run with a newer one in PATH."
    return None


def run(folder: Path, seed: int) -> Total:
    """All comparisons in a folder."""
    total = Total()
    on_duckdb, on_spark = Home(folder / "demo", "duckdb"), Home(folder / "demo_on_spark", "spark")
    deliver(demo.write_landing, (on_duckdb, on_spark))
    started = time.monotonic()
    digest = on_duckdb.run(FIRST)
    on_duckdb.close(FIRST, digest)
    on_spark.close(FIRST, digest)
    add(total, f"{FIRST} closed", on_duckdb, on_spark, started)

    deliver(demo.write_late, (on_duckdb, on_spark))
    started = time.monotonic()
    digest = on_duckdb.run(SECOND)
    on_spark.run(SECOND, loader="spark")
    add(total, f"{SECOND} drafted, loaded by Spark", on_duckdb, on_spark, started, is_one_load=False)

    started = time.monotonic()
    on_duckdb.close(SECOND, digest)
    on_spark.close(SECOND, digest, loader="spark")
    add(total, f"{SECOND} closed, loaded by Spark", on_duckdb, on_spark, started, is_one_load=False)

    started = time.monotonic()
    left, right, manifest = build_both(chance_home(folder / "chance", seed))
    total.add(f"chance, seed {seed}", compare(left, right, tables_of(manifest)), time.monotonic() - started)

    started = time.monotonic()
    total.add("zones", zone_dates(folder / "zones"), time.monotonic() - started)
    return total


def add(total: Total, name: str, left: Home, right: Home, started: float, is_one_load: bool = True) -> None:
    """Compare two homes as they stand: tables, then what was sealed, published and exported."""
    tables = tables_of(read_manifest(right.folder))
    found = compare(left.folder / "warehouse.duckdb", right.folder / "warehouse.duckdb", tables, is_one_load)
    total.add(name, found, time.monotonic() - started)
    started = time.monotonic()
    total.add(
        f"{name}: seals, published tables, exported files",
        written_differences(left.folder, right.folder),
        time.monotonic() - started,
    )


if __name__ == "__main__":
    sys.exit(main())
