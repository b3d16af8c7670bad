"""The project's models without dbt's fixed costs: compiled once, then run on rows that a test gives.

What belongs here: dbt's compiled SQL, a scratch database in memory, rows into raw, policy and model tables. What
does not: what any model means. `dbt compile` runs once for each state of the models and macros (its output stays
under target/tests); an example of a test then costs what its SQL costs.
"""

from __future__ import annotations

import csv
import fcntl
import functools
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parents[2]
RAW_TABLES = ROOT / "orchestration" / "raw_tables.sql"
POLICY = ROOT / "seeds" / "policy"
DATABASE = "warehouse"  # the name that compiled SQL carries: the stem of warehouse.duckdb
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """One model as dbt compiled it."""

    name: str
    schema: str
    is_view: bool
    sql: str
    parents: tuple[str, ...]  # models only
    contract: tuple[tuple[str, str], ...]  # (column, type) where the contract is enforced, else nothing

    @property
    def relation(self) -> str:
        return f'"{self.schema}"."{self.name}"'


@dataclass(frozen=True)
class Project:
    """All models in an order in which each follows what it reads, and the policy tables' typed columns."""

    models: dict[str, Model]
    policy: dict[str, tuple[tuple[str, str], ...]]

    def needed(self, wanted: Iterable[str], given: Iterable[str] = ()) -> list[Model]:
        """The wanted models and what they read, in order; nothing that only a given model needs.

        KeyError for a name that no model has.
        """
        stop = set(given)
        names: set[str] = set()
        waiting = [self.models[name].name for name in wanted]
        while waiting:
            name = waiting.pop()
            if name not in names and name not in stop:
                names.add(name)
                waiting.extend(self.models[name].parents)
        return [model for name, model in self.models.items() if name in names]


def _sources(root: Path) -> Iterator[Path]:
    yield from (root / name for name in ("dbt_project.yml", "profiles.yml", "requirements.txt"))
    for folder in ("models", "macros"):
        yield from sorted(path for path in (root / folder).rglob("*") if path.suffix in (".sql", ".yml"))
    yield from sorted((root / "seeds").rglob("*.yml"))


def _compile(root: Path, target: Path) -> None:
    environment = os.environ | {"LEDGER_HOME": str(target / "home"), "DO_NOT_TRACK": "1"}
    (target / "home").mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "compile", "--no-populate-cache"]
    for option, value in (("project-dir", root), ("profiles-dir", root), ("target-path", target), ("log-path", target)):
        command += [f"--{option}", str(value)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dbt compile failed:\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}")


@functools.cache
def load_project(root: Path = ROOT, target: Path | None = None) -> Project:
    """dbt's compiled models; compiled anew when a model, macro or property file is another than last time.

    RuntimeError with dbt's words when the project does not compile.
    """
    target = target or root / "target" / "tests"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest = hashlib.sha256()
        for path in _sources(root):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
        stamp, manifest_file = target / "compiled.sha256", target / "manifest.json"
        if not (stamp.exists() and stamp.read_text() == digest.hexdigest() and manifest_file.exists()):
            stamp.unlink(missing_ok=True)
            _compile(root, target)
            stamp.write_text(digest.hexdigest())
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    nodes = manifest["nodes"].values()
    found = {node["unique_id"]: _model(node) for node in nodes if node["resource_type"] == "model"}
    graph = {
        found[node["unique_id"]].name: [found[parent].name for parent in node["depends_on"]["nodes"] if parent in found]
        for node in nodes
        if node["resource_type"] == "model"
    }
    by_name = {model.name: model for model in found.values()}
    models = {name: by_name[name] for name in TopologicalSorter(graph).static_order()}
    for name, parents in graph.items():
        models[name] = Model(**{**vars(models[name]), "parents": tuple(parents)})
    return Project(models, {node["name"]: _columns(node) for node in nodes if node["resource_type"] == "seed"})


def _model(node: Mapping[str, Any]) -> Model:
    is_enforced = node["config"]["contract"]["enforced"]
    columns = tuple((name, column["data_type"]) for name, column in node["columns"].items()) if is_enforced else ()
    is_view = node["config"]["materialized"] == "view"
    return Model(node["name"], node["schema"], is_view, node["compiled_code"], (), columns)


def _columns(seed: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(seed["config"]["column_types"].items())


class Scratch:
    """A warehouse in memory: empty raw and policy tables, filled by the test; models run on them.

    Instants are UTC. One thread: the rows of an example are few.
    """

    def __init__(self, project: Project | None = None, threads: int = 1) -> None:
        self.project = project or load_project()
        self.connection = duckdb.connect(config={"threads": threads, "autoinstall_known_extensions": False})
        self.connection.execute(f"attach ':memory:' as {DATABASE}")
        self.connection.execute(f"use {DATABASE}")
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set disable_timestamptz_casts = true")
        self.connection.execute(RAW_TABLES.read_text(encoding="utf-8"))
        for schema in {"policy", *(model.schema for model in self.project.models.values())}:
            self.connection.execute(f'create schema if not exists "{schema}"')
        for name, columns in self.project.policy.items():
            typed = ", ".join(f'"{column}" {data_type}' for column, data_type in columns)
            self.connection.execute(f'create table policy."{name}" ({typed})')
        self._given: set[str] = set()
        self._views: set[str] = set()

    def close(self) -> None:
        """Free the database."""
        self.connection.close()

    def empty(self) -> None:
        """Forget all rows of the raw and policy tables and all given models; models are rebuilt when run."""
        tables = self.connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            f"where database_name = '{DATABASE}' and schema_name in ('raw', 'policy')"
        ).fetchall()
        for schema, table in tables:
            self.connection.execute(f'delete from "{schema}"."{table}"')
        for name in self._given:
            self.connection.execute(f"drop table {self.project.models[name].relation}")
        self._given.clear()

    def fill(self, table: str, rows: Sequence[Row]) -> None:
        """Replace the rows of a raw or policy table, such as ``raw.sites``; a column that no row has is null.

        Values go in as text and are cast to the column's type: dates, instants and decimals lose nothing.
        """
        self.connection.execute(f"delete from {table}")
        if rows:
            self.add(table, rows)

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        if not rows:
            return
        names = {name for row in rows for name in row}
        schema, _, relation = table.partition(".")
        columns = [
            column
            for column in self.connection.execute(
                "select column_name, data_type from duckdb_columns() "
                f"where database_name = '{DATABASE}' and schema_name = ? and table_name = ?",
                [schema, relation.strip('"')],
            ).fetchall()
            if column[0] in names
        ]
        if unknown := names - {name for name, _ in columns}:
            raise KeyError(f"{table} has no column {sorted(unknown)}")
        texts = [{name: _text(row.get(name)) for name, _ in columns} for row in rows]
        shape = json.dumps([{name: "VARCHAR" for name, _ in columns}])
        casts = ", ".join(f'cast(entry."{name}" as {data_type}) as "{name}"' for name, data_type in columns)
        self.connection.execute(
            f"insert into {table} by name select {casts} from (select unnest(from_json(?, ?)) as entry)",
            [json.dumps(texts), shape],
        )

    def fill_policy(self, folder: Path = POLICY, names: Iterable[str] | None = None) -> None:
        """Fill the policy tables from CSV files as `dbt seed` does: an empty cell is null."""
        for name in names if names is not None else self.project.policy:
            path = folder / f"{name}.csv"
            rows: list[Row] = []
            if path.exists():
                with path.open(encoding="utf-8", newline="") as stream:
                    rows = [{key: value or None for key, value in row.items()} for row in csv.DictReader(stream)]
            self.fill(f'policy."{name}"', rows)

    def give(self, model: str, rows: Sequence[Row], columns: Mapping[str, str] | None = None) -> None:
        """Put a table of these rows in a model's place: `run` takes it as it is, and builds nothing above it.

        `columns` are its columns and types; without them the model is built once to learn them.
        """
        target = self.project.models[model]
        if columns is None:
            if model not in self._given:
                self.run(model)
            described = self.connection.execute(f"describe {target.relation}").fetchall()
            columns = {name: data_type for name, data_type, *_ in described}
        self._drop(target)
        typed = ", ".join(f'"{name}" {data_type}' for name, data_type in columns.items())
        self.connection.execute(f"create table {target.relation} ({typed})")
        self._given.add(model)
        self.add(f"{target.schema}.{target.name}", rows)

    def run(self, *wanted: str, without: Iterable[str] = ()) -> None:
        """Build the wanted models and everything that they read; given models, and `without`, stay as they are."""
        for model in self.project.needed(wanted, {*self._given, *without}):
            self._build(model)

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """A query's rows as dictionaries."""
        found = self.connection.execute(query, list(parameters))
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _drop(self, model: Model) -> None:
        self.connection.execute(f"drop {'view' if model.name in self._views else 'table'} if exists {model.relation}")
        self._views.discard(model.name)

    def _build(self, model: Model) -> None:
        try:
            if model.is_view:
                if model.name not in self._views:
                    self.connection.execute(f"create or replace view {model.relation} as {model.sql}")
                    self._views.add(model.name)
            elif model.contract:
                # As dbt does under an enforced contract: the promised types, by name.
                typed = ", ".join(f'"{name}" {data_type}' for name, data_type in model.contract)
                self.connection.execute(f"create or replace table {model.relation} ({typed})")
                self.connection.execute(f"insert into {model.relation} by name {model.sql}")
            else:
                self.connection.execute(f"create or replace table {model.relation} as {model.sql}")
        except duckdb.Error as error:
            raise type(error)(f"{model.name}: {error}") from error


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
