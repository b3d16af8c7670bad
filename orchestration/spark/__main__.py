"""Load landing files with Spark: `.venv-spark/bin/python -m orchestration.spark --master 'local[*]'`, or spark-submit.

Places default to those of LEDGER_HOME; on a cluster they are addresses that Hadoop knows. What may be wrong ends in
one sentence and a status of 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from orchestration.policy import withdrawn_paths
from orchestration.settings import LedgerError, Settings
from orchestration.spark.export import raw_folder, reference_folder
from orchestration.spark.loader import SparkLoad
from orchestration.spark.session import open_session
from orchestration.terminal import table


def main(arguments: Sequence[str] | None = None) -> int:
    """Load once; 0 when the raw tables are in place."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.spark", description=__doc__)
    parser.add_argument("--master", default="", help="such as local[*]; leave it out under spark-submit")
    parser.add_argument("--landing", default="", help="the landing folder (default: LEDGER_HOME/landing)")
    parser.add_argument("--reference", default="", help="what export-raw --reference-only wrote")
    parser.add_argument("--target", default="", help="where the raw tables go (default: LEDGER_HOME/spark/raw)")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        spark = open_session("dar-ledger-load", **({"spark.master": options.master} if options.master else {}))
        spark.sparkContext.setLogLevel("ERROR")
        load = SparkLoad(
            spark,
            landing=options.landing or str(settings.landing),
            reference=options.reference or str(reference_folder(settings)),
            target=options.target or str(raw_folder(settings)),
            withdrawn=frozenset(withdrawn_paths(settings)),
            pseudonym_key=settings.pseudonym_key,
        )
        counts = load.run()
    except LedgerError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    print(table(["table", "rows"], [row for row in counts.items() if row[1]]))
    print(f"\n{len(counts)} tables, {sum(counts.values()):,} rows in {load.target} (empty ones not listed)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
