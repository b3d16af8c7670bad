"""Spark's part of a run, in an environment of its own: `.venv-spark/bin/python -m orchestration.spark.part <request>`.

What belongs here: the Spark session, and dbt's three commands in it (raw tables, build, edge tables). What does not:
which tables (sides), starting this (build). It needs pyspark and dbt-spark and nothing else of the project's
environment. No row of a table passes through this process: the executors read and write Parquet.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESULT_EVENTS = {"LogModelResult", "LogSeedResult", "LogTestResult"}
QUIET = ("--log-level", "none", "--log-level-file", "warn", "--no-use-colors", "--no-version-check")


def main(request_file: Path) -> None:
    """Do what the request says; what dbt answered stands in `answer` of the request when this ends."""
    request = json.loads(request_file.read_text(encoding="utf-8"))
    answer: dict[str, Any] = {"events": [], "failures": [], "seconds_by_node": {}}
    session = open_session(request)
    try:
        run(request, answer)
        answer["work"] = work_of(session)
        Path(request["answer"]).write_text(json.dumps(answer), encoding="utf-8")
    finally:
        with contextlib.suppress(Exception):  # of a session whose Java has ended; why is said above
            session.stop()


def open_session(request: dict[str, Any]) -> Any:
    """The session that dbt-spark will find: the submitted cluster's, or one of this machine with its own warehouse."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("dar-ledger")
    for key, value in request["session"].items():
        builder = builder.config(key, value)
    warehouse = request["session"].get("spark.sql.warehouse.dir")
    if warehouse:
        # The catalog of a local session ends with it: what an earlier one left belongs to no table.
        shutil.rmtree(warehouse, ignore_errors=True)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def work_of(session: Any) -> dict[str, int]:
    """What the executors did: task milliseconds, bytes read, bytes that went from one task to another."""
    executors = session.sparkContext._jsc.sc().statusStore().executorList(False)
    all_of_them = [executors.apply(place) for place in range(executors.size())]
    return {
        "task_ms": sum(one.totalDuration() for one in all_of_them),
        "input_bytes": sum(one.totalInputBytes() for one in all_of_them),
        "shuffle_bytes": sum(one.totalShuffleWrite() for one in all_of_them),
        "cores": sum(one.totalCores() for one in all_of_them),
    }


def run(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """The raw tables registered, the models built and tested, the edge tables written; stops at the first failure."""
    dbt = _runner(request, answer)
    started = time.monotonic()
    for raw in request["raw"]:
        if not dbt("run-operation", "register_raw_tables", "--args", json.dumps(raw)):
            return
    if not dbt(
        "build", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty", "--select", *request["select"]
    ):
        return
    answer["built_seconds"] = time.monotonic() - started
    tables = {"location": request["edges"], "tables": request["tables"]}
    dbt("run-operation", "export_tables", "--args", json.dumps(tables))


def compiled(request: dict[str, Any], sql: str) -> str:
    """A select with the project's macros, in Spark's words. RuntimeError when dbt cannot compile it."""
    from dbt.cli.main import dbtRunner

    result = dbtRunner().invoke([*QUIET, "compile", "--inline", sql, *_folders(request)])
    if not result.success:
        raise RuntimeError(f"dbt cannot compile: {result.exception}")
    return str(result.result.results[0].node.compiled_code)


def _folders(request: dict[str, Any]) -> tuple[str, ...]:
    return (
        "--project-dir", request["project"], "--profiles-dir", request["project"],
        "--target-path", request["target"], "--log-path", request["target"], "--target", request["profile"],
    )  # fmt: skip


def _runner(request: dict[str, Any], answer: dict[str, Any]) -> Callable[..., bool]:
    from dbt.cli.main import dbtRunner
    from dbt_common.events.functions import msg_to_dict

    def listen(event: Any) -> None:
        if event.info.name not in RESULT_EVENTS:
            return
        message = msg_to_dict(event)
        answer["events"].append(message)
        data = message["data"]
        if event.info.name != "LogTestResult":
            node = data["node_info"]["node_relation"]
            print(
                f"{data['index']} of {data['total']}  {node['schema']}.{node['alias']}  {data['execution_time']:.2f} s"
                "  on Spark",
                flush=True,
            )

    def call(*arguments: str) -> bool:
        result = dbtRunner(callbacks=[listen]).invoke([*QUIET, *arguments, *_folders(request)])
        for one in getattr(result.result, "results", None) or []:
            node = getattr(one, "node", None)  # an operation has none
            if node is not None:
                answer["seconds_by_node"][node.unique_id] = one.execution_time
            if one.status in ("error", "fail", "runtime error"):
                name = node.name if node is not None else arguments[1]
                answer["failures"].append(f"{name} on Spark: {_sentence(one)}")
        if not result.success and not answer["failures"]:
            answer["failures"].append(f"dbt {arguments[0]} on Spark: {result.exception or 'see spark/dbt/dbt.log'}")
        return bool(result.success)

    return call


def _sentence(result: Any) -> str:
    node = getattr(result, "node", None)
    if node is not None and node.resource_type == "test" and result.failures:
        return f"{result.failures} failing rows; its query is in {node.build_path}"
    return " ".join(str(result.message or "").split())[:2000]


if __name__ == "__main__":
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    main(Path(sys.argv[1]))
