"""The Parquet layout as tables of a Spark session: `raw.messages` and the rest, for dbt-spark and for tests.

What belongs here: sessions and the catalog. What does not: writing (export.py, loader.py).
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from orchestration.spark import layout

# What exact instants, and equal answers on every machine, need. Memory and cores are the cluster's business.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}


def open_session(name: str, **more: str) -> Any:
    """The session of this process, made if there is none; the cluster's settings come from spark-submit."""
    from pyspark.sql import SparkSession

    if more.get("spark.master", "").startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark takes the machine's python3 otherwise
    builder = SparkSession.builder.appName(name)
    for key, value in (SESSION | more).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read_layout(spark: Any, folder: str) -> dict[str, dict[str, Any]]:
    """What `_layout.json` says of each table of a folder, wherever Spark finds the folder."""
    text = spark.read.text(f"{folder}/{layout.LAYOUT_FILE}", wholetext=True).first()[0]
    return json.loads(text)["tables"]


def register(spark: Any, folder: str, schema: str = "raw") -> list[str]:
    """Make one external table for each of a folder's, in place of those of the last time; returns their names."""
    spark.sql(f"create schema if not exists {schema}")
    tables = read_layout(spark, folder)
    for name, described in tables.items():
        month = described["partitioned_by"]
        partitioned = f"partitioned by ({month})" if month else ""
        place = f"{folder}/{name}".replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"drop table if exists {schema}.{name}")
        spark.sql(
            f"create table {schema}.{name} ({described['spark_schema']}) using parquet {partitioned} "
            f"location '{place}'"
        )
        if month:
            spark.catalog.recoverPartitions(f"{schema}.{name}")
    return sorted(tables)
