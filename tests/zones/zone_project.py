"""The project's own SQL, compiled by dbt once and then run model by model in a scratch DuckDB.

What a test reads here is what `make run` would have built: the models of /models, in dbt's order, on raw tables.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np

from orchestration import models, sealing, state, zones
from orchestration.landing import load_landing
from orchestration.reference import load_reference
from orchestration.settings import PROJECT_ROOT, Settings, connect

KEYWORDS = {"view": "view", "table": "table", "incremental": "table", "seed": "table"}


@dataclass(frozen=True)
class Model:
    """A compiled model: where it goes and what it selects."""

    schema: str
    name: str
    keyword: str
    sql: str
    parents: frozenset[str]  # names of models
    is_published: bool


@dataclass(frozen=True)
class Project:
    """The compiled project: its models in an order in which each comes after its parents, and a database with seeds."""

    models: dict[str, Model]
    template: Path

    @contextmanager
    def open(self, home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
        """A warehouse in this home, with the policy rows; new unless there is one."""
        settings = Settings(home=home, as_of=datetime.now(UTC))
        home.mkdir(parents=True, exist_ok=True)
        if not settings.warehouse.exists():
            shutil.copyfile(self.template, settings.warehouse)
        with connect(settings) as connection:
            yield connection

    def build(self, connection: duckdb.DuckDBPyConnection, *wanted: str) -> None:
        """Run the wanted models with everything they read; without a name all of them."""
        names = set(wanted) if wanted else set(self.models)
        waiting = list(names)
        while waiting:
            parents = self.models[waiting.pop()].parents - names
            names |= parents
            waiting += parents
        for model in self.models.values():
            if model.name in names:
                connection.execute(f"create schema if not exists {model.schema}")
                connection.execute(f"create or replace {model.keyword} {model.schema}.{model.name} as {model.sql}")

    @property
    def published(self) -> list[str]:
        """The published tables, as schema.name."""
        return [f"{model.schema}.{model.name}" for model in self.models.values() if model.is_published]


def compile_project(folder: Path, root: Path = PROJECT_ROOT) -> Project:
    """Let dbt load the seeds and compile every model in a folder of its own."""
    from dbt.cli.main import dbtRunner

    home = folder / "home"
    settings = Settings(home=home, as_of=datetime.now(UTC))
    home.mkdir(parents=True)
    with connect(settings):
        pass
    own = {"LEDGER_HOME": str(home), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    places = ["--project-dir", str(root), "--profiles-dir", str(root), "--target-path", str(folder / "target")]
    try:
        for command in ("seed", "compile"):
            answer = dbtRunner().invoke(["--log-level", "none", command, *places, "--log-path", str(folder)])
            assert answer.success, answer.exception or answer.result
    finally:
        models._close_database()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    manifest = json.loads((folder / "target" / "manifest.json").read_bytes())
    return Project(_in_order(manifest), settings.warehouse)


def _in_order(manifest: dict) -> dict[str, Model]:
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    ordered: dict[str, Model] = {}

    def add(key: str) -> None:
        node = nodes[key]
        if node["name"] in ordered:
            return
        parents = [parent for parent in node["depends_on"]["nodes"] if parent in nodes]
        for parent in parents:
            add(parent)
        ordered[node["name"]] = Model(
            node["schema"],
            node["name"],
            KEYWORDS[node["config"]["materialized"]],
            node["compiled_code"],
            frozenset(nodes[parent]["name"] for parent in parents),
            "published" in node["tags"],
        )

    for key in nodes:
        add(key)
    return ordered


# --- Raw rows without files -----------------------------------------------------------------------------------------


def write_run(connection: duckdb.DuckDBPyConnection, as_of: datetime, period: date) -> None:
    """raw.run_settings: the one clock and the period."""
    connection.execute("delete from raw.run_settings")
    connection.execute("insert into raw.run_settings values (?, ?, 'test')", [as_of, period])


def write_sites(connection: duckdb.DuckDBPyConnection, rows: Iterable[tuple[str, str, datetime]]) -> None:
    """raw.sites from (site, zone, effective_at); one account has them all."""
    names, zones, moments = (list(column) for column in zip(*rows, strict=True))
    connection.execute(
        """
        insert into raw.sites
        select
            0, 0, unnest($names::varchar[]), 'account', unnest($zones::varchar[]), true,
            unnest($moments::timestamptz[])""",
        {"names": names, "zones": zones, "moments": moments},
    )


def write_messages(
    connection: duckdb.DuckDBPyConnection,
    sites: list[str],
    site: np.ndarray,
    conversation: np.ndarray,
    epoch_ms: np.ndarray,
) -> None:
    """Consumer messages in raw.messages, as one content: of the numbered site, conversation and instant each.

    A conversation number stands for one conversation of one consumer, in one copy; message ids count from 0.
    """
    connection.register("given", {"site": site, "conversation": conversation, "epoch_ms": epoch_ms})
    connection.execute(
        "create or replace temp table site_names as select unnest($names::varchar[]) as site_id", {"names": sites}
    )
    connection.execute(
        """
        insert into raw.messages
        select
            1, given.conversation, 1, site_names.site_id, 'm' || given.rowid,
            'k' || given.conversation, make_timestamptz(given.epoch_ms * 1000), 'consumer', null, null
        from (select *, row_number() over () - 1 as rowid from given) as given
        inner join site_names on given.site = site_names.rowid"""
    )
    connection.execute(
        """
        insert into raw.conversations
        select distinct
            1, conversation_copy_id, 1, site_id, 'c' || conversation_copy_id, 'SHARK', 'CLOSE',
            null::timestamptz, null::timestamptz, false, false
        from raw.messages"""
    )
    connection.execute(
        """
        insert into raw.landing_contents
        select
            1, 'messaging_interactions', 'jsonl', 'content', 1, count(*), 0,
            min(sent_at) filter (sent_at >= timestamptz '2000-01-01 00:00:00+00'), max(sent_at), '1'
        from raw.messages"""
    )
    connection.execute(
        "insert into raw.landing_files "
        "values ('messaging_interactions/a.jsonl', 'messaging_interactions', 'content', 1, 1, 1)"
    )
    connection.unregister("given")


# --- Whole runs ------------------------------------------------------------------------------------------------------


def load(connection: duckdb.DuckDBPyConnection, settings: Settings, period: date) -> None:
    """What a run does before dbt: landing files, reference rows, zone offsets, seals, the run's settings."""
    load_landing(connection, settings, lambda _: None)
    load_reference(connection, settings, lambda _: None)
    zones.load_zone_offsets(connection)
    sealing.load_seals(connection, settings)
    state.write_run_settings(connection, settings, period, zones.tzdata_version())


def table_rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple]:
    """A table's rows in a fixed order; instants as microseconds, whatever the session's zone.

    Without `first_sealed_in`: it tells of the seals, which differ between ledgers that were closed and not.
    """
    columns = [row for row in connection.execute(f"describe {table}").fetchall() if row[0] != "first_sealed_in"]
    selected = ", ".join(
        f'epoch_us("{name}")' if kind == "TIMESTAMP WITH TIME ZONE" else f'"{name}"' for name, kind, *_ in columns
    )
    return connection.execute(f"select {selected} from {table} order by all").fetchall()


def run_dbt(settings: Settings) -> None:
    """`dbt run` on a home, as a run does it, without the data tests; AssertionError with dbt's reason."""
    from dbt.cli.main import dbtRunner

    root, target = str(settings.project_root), settings.home / "dbt"
    before = os.environ.get("LEDGER_HOME")
    os.environ["LEDGER_HOME"] = str(settings.home)
    try:
        answer = dbtRunner().invoke(
            ["--log-level", "none", "run", "--project-dir", root, "--profiles-dir", root,
             "--target-path", str(target), "--log-path", str(target)]
        )  # fmt: skip
        assert answer.success, answer.exception or [
            result.message for result in answer.result if result.status == "error"
        ]
    finally:
        models._close_database()
        if before is None:
            os.environ.pop("LEDGER_HOME")
        else:
            os.environ["LEDGER_HOME"] = before
