"""The Spark session of a load: what exact instants need, on one machine and on a cluster.

What belongs here: sessions. What does not: the session of dbt's models (part.py), reading and writing (loader.py).
"""

from __future__ import annotations

import os
import sys
from typing import Any

# Memory and cores are the cluster's business.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
}


def open_session(name: str, **more: str) -> Any:
    """The session of this process, made if there is none; a cluster's settings come from spark-submit."""
    from pyspark.sql import SparkSession

    if more.get("spark.master", "").startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark takes the machine's python3 otherwise
    builder = SparkSession.builder.appName(name)
    for key, value in (SETTINGS | more).items():
        builder = builder.config(key, value)
    return builder.getOrCreate()
