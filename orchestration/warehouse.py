"""dbt's models as Dagster assets, grouped by schema: the graph tells the flow from left to right.

What belongs here: how a dbt node looks in Dagster, and the step that builds them.
What does not: loading (feeds), gates, publication.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, Failure, MetadataValue, Output
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from orchestration import models
from orchestration.metadata import table_value
from orchestration.resources import LedgerResource
from orchestration.settings import Settings, connect
from orchestration.spark.loading import require_events
from orchestration.state import BUILDING, BUILT, LOADED, set_stage

# The raw tables of each feed; a raw table that is not named here belongs to raw/landing_files.
TABLES_OF_FEED = {
    "messaging_interactions": {
        "conversations", "messages", "agent_participants", "consumer_participants", "cobrowse_sessions", "pages"
    },
    "function_invocations": {"function_invocations"},
    "platform_users": {"platform_users", "platform_user_snapshots"},
    "support_cases": {"support_case_events"},
    "reference": {"accounts", "sites", "contracts", "credits"},
    "zone_offsets": {"zone_offsets"},
    "run_settings": {"run_settings"},
}  # fmt: skip
OWNERS = {
    "billing": ["team:finance"], "usage": ["team:finance"], "reference": ["team:finance"], "policy": ["team:finance"],
    "support": ["team:support"],
}  # fmt: skip
ENGINEERS = ["team:data-engineering"]


def raw_asset_key(table: str) -> AssetKey:
    """The asset that writes a table of the schema raw."""
    if table == "seals" or table.startswith("sealed_"):
        return AssetKey(["raw", "seals"])
    for feed, tables in TABLES_OF_FEED.items():
        if table in tables:
            return AssetKey(["raw", feed])
    return AssetKey(["raw", "landing_files"])


def asset_key_of_table(table: str) -> AssetKey:
    """The asset that writes a table, given as `schema.name`."""
    schema, name = table.split(".", 1)
    return raw_asset_key(name) if schema == "raw" else AssetKey([schema, name])


class LedgerTranslator(DagsterDbtTranslator):
    """Keys and groups of dbt nodes: schema and name, as a person finds them in the warehouse."""

    def __init__(self) -> None:
        # 270 data tests as checks would be 810 events a run, more time than the models take: a test that fails stops
        # the step and is named there, and each model says how many tests it passed.
        settings = DagsterDbtTranslatorSettings(enable_asset_checks=False, enable_duplicate_source_asset_keys=True)
        super().__init__(settings)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return raw_asset_key(dbt_resource_props["name"])
        return AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return dbt_resource_props["schema"]

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return dbt_resource_props.get("description") or ""

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str] | None:
        return OWNERS.get(dbt_resource_props["schema"], ENGINEERS)


def table_metadata(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> dict[str, MetadataValue]:
    """Rows of a table and, where it holds money, its sums per currency as a small table."""
    columns = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?",
            [schema, name],
        ).fetchall()
    )
    is_table = connection.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = ? and table_name = ? and (table_type = 'BASE TABLE' or table_schema = 'usage')",
        [schema, name],
    ).fetchone()
    if not is_table or not is_table[0]:
        return {}
    relation = f'"{schema}"."{name}"'
    rows = connection.execute(f"select count(*) from {relation}").fetchone()
    metadata: dict[str, MetadataValue] = {"dagster/row_count": MetadataValue.int(rows[0] if rows else 0)}
    if {"amount", "currency_code"} <= columns.keys():
        sums = connection.execute(f"select currency_code, sum(amount) from {relation} group by 1 order by 1").fetchall()
        metadata["amount"] = table_value(["currency", "amount"], sums)
    return metadata


def build_dbt_assets(manifest: Mapping[str, Any]) -> AssetsDefinition:
    """One step that runs one `dbt build` and reports every model and every data test."""
    translator = LedgerTranslator()

    @dbt_assets(manifest=manifest, dagster_dbt_translator=translator, name="models")
    def ledger_models(context: AssetExecutionContext, ledger: LedgerResource) -> Iterator[Any]:
        settings = ledger.settings
        select = _selection(context, manifest, translator)
        with connect(settings) as connection:
            require_events(connection, settings)
            set_stage(connection, BUILDING, context.run_id)
        build = models.build(settings, select, context.log.info)
        with connect(settings) as connection:
            if not build.failures:
                # A part alone leaves the rest as it was: only a whole build may be published.
                set_stage(connection, LOADED if select else BUILT, context.run_id)
            yield from _events(context, build, manifest, translator, connection)
        if build.failures:
            raise Failure(
                description=f"{len(build.failures)} of dbt's models or tests failed: {build.failures[0]}",
                metadata={"failed": MetadataValue.md("\n".join(f"- {failure}" for failure in build.failures[:50]))},
                allow_retries=False,
            )

    return ledger_models


def rebuild(settings: Settings, run_id: str, select: list[str], log: models.Log) -> None:
    """Build some models again inside another step (after sealing); raises Failure when one fails.

    Their data tests have passed in this run, so only those that are named run again: tests of what a build makes anew,
    which the next build will not look at. The gate that follows judges the result.
    """
    with connect(settings) as connection:
        set_stage(connection, BUILDING, run_id)
    build = models.build(settings, select, log, data_tests="named")
    if build.failures:
        raise Failure(
            f"{len(build.failures)} of dbt's models or tests failed: {build.failures[0]}", allow_retries=False
        )
    with connect(settings) as connection:
        set_stage(connection, BUILT, run_id)


def _selection(context: AssetExecutionContext, manifest: Mapping[str, Any], translator: LedgerTranslator) -> list[str]:
    """Names for dbt's --select when only a part was asked for; empty for everything."""
    if not context.is_subset:
        return []
    wanted = context.selected_asset_keys
    return [
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and translator.get_asset_key(node) in wanted
    ]


def _events(
    context: AssetExecutionContext,
    build: models.Build,
    manifest: Mapping[str, Any],
    translator: LedgerTranslator,
    connection: duckdb.DuckDBPyConnection,
) -> Iterator[Any]:
    """dagster-dbt's own events of the models that were built, with rows, sums and tests added."""
    tests = _tests_passed(build, manifest)
    for raw_event in build.events:
        if raw_event["info"]["name"] == "LogTestResult":
            continue
        message = DbtCoreCliEventMessage(raw_event=raw_event, event_history_metadata={})
        node = raw_event["data"]["node_info"]
        for event in message.to_default_asset_events(manifest, translator, context):
            if isinstance(event, Output):
                relation = node["node_relation"]
                extra = table_metadata(connection, relation["schema"], relation["alias"])
                extra["tests_passed"] = MetadataValue.int(tests[node["unique_id"]])
                yield event.with_metadata({**event.metadata, **extra})


def _tests_passed(build: models.Build, manifest: Mapping[str, Any]) -> Counter[str]:
    """How many data tests each model passed; a test of several models counts for each."""
    passed: Counter[str] = Counter()
    for raw_event in build.events:
        if raw_event["info"]["name"] == "LogTestResult" and raw_event["data"]["status"] == "pass":
            test = manifest["nodes"][raw_event["data"]["node_info"]["unique_id"]]
            passed.update(set(test["depends_on"]["nodes"]))
    return passed
