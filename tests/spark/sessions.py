"""The Spark session of these tests: local mode, two cores, little memory; one for all tests of a process."""

from __future__ import annotations

import tempfile
from typing import Any

from orchestration.spark.session import open_session


def local_session() -> Any:
    """The session, made at the first call."""
    spark = open_session(
        "DAR Ledger tests",
        **{
            "spark.master": "local[2]",
            "spark.driver.memory": "2g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": (  # small loads: what the compiler costs counts
                "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m"
            ),
            "spark.sql.shuffle.partitions": "2",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": tempfile.mkdtemp(prefix="ledger-spark-test-"),
        },
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
