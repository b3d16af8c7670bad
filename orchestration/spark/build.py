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
from orchestration.spark.export import export_raw, raw_folder, reference_folder
from orchestration.state import is_loaded_by_spark

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
    with connect(settings) as connection:
        is_loaded_here = not is_loaded_by_spark(connection)
    export_raw(settings, is_reference_only=not is_loaded_here)
    request = _build_request(settings, manifest, has_data_tests, is_loaded_here)
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
            "spark.driver.memory": settings.memory_limit_of_spark,
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
            "spark.ui.showConsoleProgress": "false",
            **(_on_one_machine(settings) if settings.spark_master.startswith("local") else {}),
        },
    }


def _on_one_machine(settings: Settings) -> dict[str, str]:
    """What suits a local master alone: a cluster's disks, partitions and pages are its own (spark-defaults.conf)."""
    return {
        "spark.local.dir": str(settings.temporary),
        # Small tables by the dozen: what the second compiler would gain, its own work costs. The first one alone is
        # given 48 MB for what it compiles, which some 270 statements fill: then Java only interprets.
        "spark.driver.extraJavaOptions": (
            "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=512m -XX:+UseParallelGC"
        ),
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
    }


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of Spark's part: what profiles.yml reads, the project's code, no usage statistics."""
    return os.environ | {
        "LEDGER_HOME": str(settings.home),
        "LEDGER_PSEUDONYM_KEY": (settings.pseudonym_key or b"").decode(),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PYSPARK_PYTHON": str(settings.spark_python),
        "PYTHONPATH": str(PROJECT_ROOT),
    }


def _raw_tables(folder: Path) -> dict[str, Any]:
    """What a folder's layout says of its tables. LedgerError where a load has not ended."""
    try:
        return json.loads((folder / layout.LAYOUT_FILE).read_text(encoding="utf-8"))["tables"]
    except FileNotFoundError as error:
        raise LedgerError(f"{folder} holds no raw tables: run `make run PERIOD=YYYY-MM`, which loads them.") from error


def _raw(settings: Settings, is_loaded_here: bool) -> list[dict[str, Any]]:
    """Where the raw tables lie: in one folder, or the events where Spark's loader left them, the rest as it is now."""
    everything = _raw_tables(raw_folder(settings))
    if is_loaded_here:
        return [{"location": str(raw_folder(settings)), "tables": everything}]
    loaded = {*layout.FEED_TABLES, *layout.SHARED_TABLES}
    others = _raw_tables(reference_folder(settings))
    return [
        {"location": str(raw_folder(settings)), "tables": {name: everything[name] for name in sorted(loaded)}},
        {
            "location": str(reference_folder(settings)),
            "tables": {name: table for name, table in others.items() if name not in loaded},
        },
    ]


def _build_request(
    settings: Settings, manifest: Mapping[str, Any], has_data_tests: bool, is_loaded_here: bool
) -> dict[str, Any]:
    nodes = [
        unique_id
        for unique_id in sides.spark_nodes(manifest)
        if has_data_tests or manifest["nodes"][unique_id]["resource_type"] != "test"
    ]
    return request_of(settings) | {
        "raw": _raw(settings, is_loaded_here),
        "edges": str(edges_folder(settings)),
        "select": sides.names(manifest, nodes),
        "tables": sides.edge_tables(manifest),
    }


def start(settings: Settings, request: dict[str, Any], log: Log, module: str = PART) -> dict[str, Any]:
    """Run Spark's part, or another module of its environment, and return its answer.

    LedgerError with the remedy, or its last words, when it does not run.
    """
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
    command = [str(python), "-m", module, str(request_file)]
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
