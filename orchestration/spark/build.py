"""A run's models where LEDGER_ENGINE is `spark`: Spark's part in a process of its own, then what DuckDB takes over.

What belongs here: the raw tables' export, starting Spark's part, reading its answer, importing the edge tables into the
warehouse. What does not: Spark itself (part), which table is whose (sides), DuckDB's part (models).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestration.content import literal
from orchestration.settings import PROJECT_ROOT, LedgerError, Settings, connect
from orchestration.spark import layout, sides
from orchestration.spark.export import export_raw, raw_folder

Log = Callable[[str], None]
PART = "orchestration.spark.part"
LAST_LINES = 5


def run_spark_part(
    settings: Settings, manifest: Mapping[str, Any], log: Log | None, has_data_tests: bool
) -> dict[str, Any]:
    """Build and test Spark's models and take over their edge tables; returns dbt's answer as plain values.

    Raises LedgerError when Spark cannot run here. A model or test that failed is in the answer's `failures`; then no
    table is taken over.
    """
    export_raw(settings)
    request = _build_request(settings, manifest, has_data_tests)
    answer = start(settings, request, log or (lambda line: None))
    if not answer["failures"]:
        import_edges(settings, request["tables"], sides.spark_tables(manifest))
    return answer


def edges_folder(settings: Settings) -> Path:
    """Where Spark writes the tables that DuckDB takes over, one folder a table: <schema>/<name>."""
    return settings.home / "spark" / "edges"


def import_edges(settings: Settings, tables: list[str], of_spark: Sequence[str] = ()) -> None:
    """Replace tables of the warehouse by what Spark wrote, all of them or none.

    What else is Spark's goes from the warehouse: an earlier build's rows would stand beside this one's, and DuckDB's
    next build would go on with them.
    """
    with connect(settings) as connection:
        connection.execute("begin transaction")
        kinds = dict(
            connection.execute(
                "select schema_name || '.' || table_name, 'table' from duckdb_tables() "
                "union all select schema_name || '.' || view_name, 'view' from duckdb_views() where not internal"
            ).fetchall()
        )
        for table in sorted({*tables, *of_spark} & kinds.keys()):
            connection.execute(f"drop {kinds[table]} {table}")
        for table in tables:
            schema, name = table.split(".", 1)
            files = str(edges_folder(settings) / schema / name / "*.parquet")
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table {table} as select * from read_parquet({literal(files)})")
        connection.execute("commit")


def request_of(settings: Settings) -> dict[str, Any]:
    """What Spark's part is told of this home, whatever it is to do: dbt's folders and the session's settings."""
    folder = settings.home / "spark"
    return {
        "project": str(settings.project_root),
        "profile": "spark",
        "target": str(folder / "dbt"),
        "answer": str(folder / "answer.json"),
        "session": {
            "spark.master": settings.spark_master,
            "spark.sql.catalogImplementation": "in-memory",
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.local.dir": str(settings.temporary),
            "spark.driver.memory": settings.memory_limit_of_spark,
            # Small tables by the dozen: what the second compiler would gain, its own work costs.
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseParallelGC",
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.sql.shuffle.partitions": "4",
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
        },
    }


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of Spark's part: what profiles.yml reads, the project's code, no usage statistics."""
    return os.environ | {
        "LEDGER_HOME": str(settings.home),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PYSPARK_PYTHON": str(settings.spark_python),
        "PYTHONPATH": str(PROJECT_ROOT),
    }


def _build_request(settings: Settings, manifest: Mapping[str, Any], has_data_tests: bool) -> dict[str, Any]:
    nodes = [
        unique_id
        for unique_id in sides.spark_nodes(manifest)
        if has_data_tests or manifest["nodes"][unique_id]["resource_type"] != "test"
    ]
    described = json.loads((raw_folder(settings) / layout.LAYOUT_FILE).read_text(encoding="utf-8"))
    return request_of(settings) | {
        "raw": str(raw_folder(settings)),
        "raw_tables": described["tables"],
        "edges": str(edges_folder(settings)),
        "select": sides.names(manifest, nodes),
        "tables": sides.edge_tables(manifest),
    }


def start(settings: Settings, request: dict[str, Any], log: Log) -> dict[str, Any]:
    """Run Spark's part and return its answer; LedgerError with the remedy, or its last words, when it does not run."""
    python = settings.spark_python
    if not python.exists():
        raise LedgerError(
            f"LEDGER_ENGINE is `spark` and there is no {python}: run `make spark`, or set LEDGER_SPARK_PYTHON to a "
            "Python that has requirements-spark.txt."
        )
    folder = settings.home / "spark"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(edges_folder(settings), ignore_errors=True)
    request_file, answer_file, errors = folder / "request.json", Path(request["answer"]), folder / "spark.log"
    request_file.write_text(json.dumps(request), encoding="utf-8")
    answer_file.unlink(missing_ok=True)
    command = [str(python), "-m", PART, str(request_file)]
    with errors.open("w", encoding="utf-8") as log_file:
        started = subprocess.Popen(
            command, cwd=settings.project_root, env=environment_of(settings), text=True,
            stdout=subprocess.PIPE, stderr=log_file,
        )  # fmt: skip
        with started:
            for line in started.stdout or ():
                log(line.rstrip())
    if started.returncode or not answer_file.exists():
        last = " / ".join(errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LAST_LINES:])
        if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
            raise LedgerError("Spark needs Java 17 or newer and there is none: install it, or set JAVA_HOME.")
        raise LedgerError(f"Spark's part did not run: see {errors} ({last[-400:]}).")
    return json.loads(answer_file.read_text(encoding="utf-8"))
