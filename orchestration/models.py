"""dbt, run inside this process: parse when its files changed, build once a run, explain what failed.

What belongs here: calling dbt and reading its answer. What does not: Dagster (see warehouse) and SQL.
In process because dagster-dbt has imported dbt anyway; another process would import it again (2 s a call).
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from orchestration.settings import LedgerError, Settings, connect
from orchestration.state import Built, read_built, write_built

PROJECT_FOLDERS = ("macros", "models", "seeds", "tests/dbt")
PROJECT_FILES = ("dbt_project.yml", "profiles.yml", "requirements.txt")
SQL_FOLDERS = ("macros", "models", "tests/dbt")
SEED_FOLDERS = ("seeds",)
# What a build makes although the project is the same: not the views behind the marts, which hold no rows.
SELECTED_AGAIN = ("config.materialized:table", "config.materialized:incremental", "tag:published", "resource_type:test")
OBJECTS_BETWEEN_COLLECTIONS = 1_000_000  # some 100 MB of what dbt makes
RESULT_EVENTS = {"LogModelResult", "LogSeedResult", "LogTestResult", "LogSnapshotResult"}

Log = Callable[[str], None]
# Which data tests a build runs: all of what it makes, those that its selection names, or none.
DataTests = Literal["all", "named", "none"]
DBT_DATA_TESTS = {
    "all": [],
    "named": ["--indirect-selection", "empty"],
    "none": ["--exclude-resource-type", "test"],
}


@dataclass
class Build:
    """One answer of dbt: its result events as dictionaries and what failed, each in a sentence."""

    events: list[dict[str, Any]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds_by_node: dict[str, float] = field(default_factory=dict)


def target_folder(settings: Settings) -> Path:
    """Where dbt writes: inside the home, because its parse cache depends on the warehouse's path."""
    return settings.home / "dbt"


def manifest_path(settings: Settings) -> Path:
    """dbt's manifest of this home."""
    return target_folder(settings) / "manifest.json"


def prepare(settings: Settings) -> Path:
    """The manifest, parsed again when a file of the dbt project changed. LedgerError when it does not parse."""
    stamp = target_folder(settings) / "manifest.stamp"
    signature = _signature(settings)
    path = manifest_path(settings)
    if not (path.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == signature):
        answer = _invoke(settings, ["parse"], [])
        if not answer.success:
            raise LedgerError(f"dbt cannot parse the project: {_reason(answer)}")
        stamp.write_text(signature, encoding="utf-8")
    return path


def read_manifest(settings: Settings) -> dict[str, Any]:
    """dbt's manifest as dictionaries, parsed first if need be."""
    return json.loads(prepare(settings).read_bytes())


def build(
    settings: Settings, select: Sequence[str] = (), log: Log | None = None, data_tests: DataTests = "all"
) -> Build:
    """Run `dbt build` (unit tests left out) and return what it did; a failed node is in `failures`, not raised.

    With LEDGER_ENGINE `spark` its models come first, all of them whatever was selected: its catalog lives as long as
    its session. Raises LedgerError when dbt could not start at all.
    """
    if settings.engine == "duckdb" and select:
        return _build_part(settings, select, log, data_tests)
    if settings.engine == "duckdb":
        return _build_all(settings, log, data_tests)
    with connect(settings) as connection:
        write_built(connection, None)  # Spark's tables come where DuckDB had views
    from orchestration.spark import build as spark
    from orchestration.spark import sides

    manifest = read_manifest(settings)
    answer = spark.run_spark_part(settings, manifest, log, data_tests == "all")
    done = Build(answer["events"], answer["failures"], answer["seconds_by_node"])
    if not done.failures:
        mine = sides.names(manifest, sides.duckdb_nodes(manifest))
        # Nothing is known of what an earlier build left on this side, or by which code.
        anew = ["--full-refresh", "--indirect-selection", "empty"]
        after = _build(settings, [*anew, *_selected(mine)], log, data_tests)
        # Policy files are tables on both sides: reported once, and before what reads them.
        done.events += [event for event in after.events if event["info"]["name"] != "LogSeedResult"]
        done.failures += after.failures
        done.seconds_by_node |= after.seconds_by_node
    return done


def _build_all(settings: Settings, log: Log | None, data_tests: DataTests) -> Build:
    """All models. Those that follow what changed start anew where the project did; views and seeds that are as they
    were stay: a third of a day's nodes, none of its rows."""
    now = Built(_checksum(settings, PROJECT_FILES, SQL_FOLDERS), _checksum(settings, (), SEED_FOLDERS))
    with connect(settings) as connection:
        was = read_built(connection)
        write_built(connection, None)
    if was is None or was.project_sha256 != now.project_sha256:
        selected = ["--full-refresh"]
    else:
        selected = ["--select", *SELECTED_AGAIN, *([] if was == now else ["resource_type:seed"])]
    done = _build(settings, selected, log, data_tests)
    if not done.failures:
        with connect(settings) as connection:
            write_built(connection, now)
    return done


def _build_part(settings: Settings, select: Sequence[str], log: Log | None, data_tests: DataTests) -> Build:
    """Some models by name; if other code made the rest, or this does not end well, the next whole build makes all of
    them: tests of what is kept look only at what a build made anew."""
    with connect(settings) as connection:
        was = read_built(connection)
        write_built(connection, None)
    done = _build(settings, _selected(select), log, data_tests)
    if was and not done.failures and was.project_sha256 == _checksum(settings, PROJECT_FILES, SQL_FOLDERS):
        with connect(settings) as connection:
            write_built(connection, was)
    return done


def _selected(names: Sequence[str]) -> list[str]:
    return ["--select", *names] if names else []


def _build(settings: Settings, selected: list[str], log: Log | None, data_tests: DataTests) -> Build:
    done = Build()

    def listen(event: Any) -> None:
        if event.info.name not in RESULT_EVENTS:
            return
        from dbt_common.events.functions import msg_to_dict

        message = msg_to_dict(event)
        done.events.append(message)
        if log and event.info.name != "LogTestResult":
            data = message["data"]
            node = data["node_info"]["node_relation"]
            log(f"{data['index']} of {data['total']}  {node['schema']}.{node['alias']}  {data['execution_time']:.2f} s")

    # The manifest was written when the project was parsed; nobody reads the files about one build.
    arguments = ["build", "--no-write-json", "--exclude-resource-type", "unit_test", *DBT_DATA_TESTS[data_tests]]
    answer = _invoke(settings, [*arguments, *selected], [listen])
    if answer.result is None:
        raise LedgerError(f"dbt did not build: {_reason(answer)}")
    for result in answer.result.results:
        done.seconds_by_node[result.node.unique_id] = result.execution_time
        if result.status in ("error", "fail", "runtime error"):
            done.failures.append(_failure(settings, result))
    if not answer.success and not done.failures:
        done.failures.append(_reason(answer))
    return done


def compiled(settings: Settings, sql: str) -> str:
    """A select with the project's macros, in DuckDB's words. LedgerError when dbt cannot compile it."""
    answer = _invoke(settings, ["compile", "--inline", sql], [])
    if not answer.success:
        raise LedgerError(f"dbt cannot compile: {_reason(answer)}")
    return str(answer.result.results[0].node.compiled_code)


def write_docs(settings: Settings) -> Path:
    """dbt's documentation as one static page in LEDGER_HOME/docs. LedgerError when dbt cannot make it."""
    answer = _invoke(settings, ["docs", "generate", "--static"], [])
    if not answer.success:
        raise LedgerError(f"dbt cannot write the documentation: {_reason(answer)}")
    page = settings.home / "docs" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target_folder(settings) / "static_index.html", page)
    return page


def _failure(settings: Settings, result: Any) -> str:
    """A failed test with the query that shows its rows; a failed model with the database's reason.

    Of a policy file, which a person has just edited, the first row itself.
    """
    node = result.node
    message = " ".join(str(result.message or "").split())
    if node.resource_type == "test":
        where = getattr(node, "attached_node", None) or ", ".join(node.depends_on.nodes)
        table = ", ".join(part.split(".")[-1] for part in where.split(", "))
        rows = f"{result.failures} failing rows" if result.failures is not None else message
        query = (node.build_path and Path(node.build_path)) or None
        if (getattr(node, "attached_node", None) or "").startswith("seed.") and result.failures:
            file = f"seeds/policy/{table}.csv"
            return f"the test {node.name} on {file} found {rows}, such as {_first_row(settings, node)}: mend it there"
        return f"the test {node.name} on {table} found {rows}" + (f"; its query is in {query}" if query else "")
    return f"the model {node.schema}.{node.name} failed: {message}"


def _first_row(settings: Settings, node: Any) -> str:
    with connect(settings) as connection:
        found = connection.execute(f"select * from ({node.compiled_code}) limit 1")
        names, row = [column[0] for column in found.description], found.fetchone() or ()
    return ", ".join(f"{name} {value!r}" for name, value in zip(names, map(str, row), strict=False))


def _reason(answer: Any) -> str:
    return " ".join(str(answer.exception or "see dbt.log").split())


def _signature(settings: Settings) -> str:
    """The project's files by path, size and time of change; cheap, and reset by anything that edits them."""
    digest = hashlib.sha256(f"{settings.warehouse}\n".encode())
    for path, name in _files(settings, PROJECT_FILES, PROJECT_FOLDERS):
        stat = path.stat()
        digest.update(f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _checksum(settings: Settings, files: Sequence[str], folders: Sequence[str]) -> str:
    """One SHA-256 of files and folders of the project, by path and content."""
    digest = hashlib.sha256()
    for path, name in _files(settings, files, folders):
        digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(settings: Settings, files: Sequence[str], folders: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Those of some files of the project that are there, and all files of some folders, each with its own name."""
    root = settings.project_root
    paths = [root / name for name in files]
    for folder in folders:
        paths += sorted((root / folder).rglob("*"))
    yield from ((path, path.relative_to(root)) for path in paths if path.is_file())


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What profiles.yml reads from the environment, and no usage statistics."""
    environment = {"LEDGER_HOME": str(settings.home), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    if settings.memory_limit:
        environment["LEDGER_MEMORY_LIMIT"] = settings.memory_limit
    return environment


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for cycles rarely: each time it looks through dbt's project, half a million objects that stay."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@rare_collections()
def _invoke(settings: Settings, arguments: list[str], callbacks: list[Callable[[Any], None]]) -> Any:
    from dbt.cli.main import dbtRunner

    os.environ.update(dbt_environment(settings))
    target = target_folder(settings)
    target.mkdir(parents=True, exist_ok=True)
    settings.temporary.mkdir(parents=True, exist_ok=True)
    root = str(settings.project_root)
    try:
        return dbtRunner(callbacks=callbacks).invoke(
            [
                "--log-level",
                "none",
                "--log-level-file",
                "warn",
                "--no-use-colors",
                "--no-version-check",
                *arguments,
                "--project-dir",
                root,
                "--profiles-dir",
                root,
                "--target-path",
                str(target),
                "--log-path",
                str(target),
            ]
        )
    finally:
        _close_database()


def _close_database() -> None:
    """Give the warehouse file back: dbt-duckdb keeps its database open as long as the module lives."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()
