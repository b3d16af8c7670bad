"""The code that executors run, shipped to them: the same on one machine and on a cluster that has none of it."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = ("__init__.py", "files.py", "records.py", "spark/__init__.py", "spark/exact.py")
_shipped: set[str] = set()  # applications that have it


def ship(spark: Any) -> None:
    """Give every executor the modules that exact.py needs, once. Executors themselves need pyarrow and zstandard."""
    application = spark.sparkContext.applicationId
    if application in _shipped:
        return
    folder = Path(tempfile.mkdtemp(prefix="ledger-spark-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # executors may ask for it as long as the driver lives
    archive = folder / "ledger_executors.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name in SHIPPED:
            packed.writestr(zipfile.ZipInfo(f"{PACKAGE.name}/{name}"), (PACKAGE / name).read_bytes())
    spark.sparkContext.addPyFile(str(archive))
    _shipped.add(application)
