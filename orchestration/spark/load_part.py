"""Spark's part of a run's loading, in its own environment: `.venv-spark/bin/python -m orchestration.spark.load_part`.

What belongs here: one load as the request says, and the first gate's counts over the event tables, by the executors.
What does not: the loading itself (loader), starting this and taking over what it found (loading).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.settings import LedgerError
from orchestration.spark import contents, layout, part, session
from orchestration.spark.loader import SparkLoad

RAW = re.compile(r"\braw\.")


def main(request_file: Path) -> None:
    """Load once. The answer says the rows of each table and the gate's figures, or the error that a person can mend."""
    request = json.loads(request_file.read_text(encoding="utf-8"))
    spark = part.open_session({"session": request["session"] | session.SETTINGS})
    try:
        answer = load(spark, request)
    except LedgerError as error:
        answer = {"error": str(error)}
    finally:
        with contextlib.suppress(Exception):  # of a session whose Java has ended; why is said above
            spark.stop()
    Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")


def load(spark: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """The raw tables as the request says, and what its controls count over them."""
    counts = SparkLoad(
        spark,
        landing=request["landing"],
        reference=request["reference"],
        target=request["raw"],
        withdrawn=frozenset(request["withdrawn"]),
        pseudonym_key=(os.environ.get("LEDGER_PSEUDONYM_KEY") or "").encode() or None,
        log=lambda line: print(line, flush=True),
    ).run()
    return {"rows": counts, "figures": figures(spark, request["raw"], request["controls"])}


def figures(spark: Any, location: str, controls: Mapping[str, str]) -> dict[str, int]:
    """How many rows each control's query lists over the raw tables that lie there."""
    for table, columns in layout.raw_tables().items():
        schema = layout.spark_schema(columns, table in layout.MOMENTS)
        written = spark.read.schema(schema).parquet(contents.escaped(f"{location}/{table}"))
        written.createOrReplaceTempView(f"raw_{table}")  # a view of a session has no schema
    return {
        name: spark.sql(f"select count(*) from ({RAW.sub('raw_', query)}\n) as failing").first()[0]
        for name, query in controls.items()
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
