"""One Dagster asset a raw feed: landing files to raw tables, then what the run itself adds.

What belongs here: the loading step, its order and what it reports. What does not: how a file is read (landing,
reference, zones, sealing). All of it is one step: the first gate judges what was loaded as a whole.
"""

from collections.abc import Iterator

import duckdb
from dagster import AssetExecutionContext, AssetKey, AssetSpec, MaterializeResult, multi_asset

from orchestration.flow import MONTHLY_CLOSE
from orchestration.landing import load_landing
from orchestration.metadata import table_value
from orchestration.reference import load_reference
from orchestration.resources import LedgerResource
from orchestration.sealing import load_seals, refuse_early
from orchestration.settings import LedgerError, parse_period
from orchestration.spark.loading import forget_spark, load_landing_on_spark
from orchestration.state import LOADED, loading, set_stage, write_run_settings
from orchestration.unchanged import begin_run
from orchestration.warehouse import ENGINEERS
from orchestration.zone_report import report_zone_changes
from orchestration.zones import load_zone_offsets, tzdata_version

PARTITION_TAG = "dagster/partition"
DESCRIPTIONS = {
    "messaging_interactions": "Conversations with their messages, participants and Co-Browse sessions.",
    "function_invocations": "Invocations of Functions.",
    "platform_users": "Snapshots of the Users API list.",
    "support_cases": "Events of support cases.",
}
FEED_KEYS = {feed: AssetKey(["raw", feed]) for feed in DESCRIPTIONS}
MANIFEST_KEY = AssetKey(["raw", "landing_files"])
REFERENCE_KEY = AssetKey(["raw", "reference"])
ZONES_KEY = AssetKey(["raw", "zone_offsets"])
SEALS_KEY = AssetKey(["raw", "seals"])
SETTINGS_KEY = AssetKey(["raw", "run_settings"])
RAW_KEYS = [*FEED_KEYS.values(), MANIFEST_KEY, REFERENCE_KEY, ZONES_KEY, SEALS_KEY, SETTINGS_KEY]


def raw_spec(key: AssetKey, description: str, *deps: AssetKey) -> AssetSpec:
    """A raw asset of the loading step."""
    return AssetSpec(
        key, deps=deps, description=description, kinds={"python", "duckdb"}, group_name="raw", owners=ENGINEERS
    )


@multi_asset(
    name="loading",
    specs=[
        *(raw_spec(FEED_KEYS[feed], text) for feed, text in DESCRIPTIONS.items()),
        raw_spec(
            MANIFEST_KEY,
            "Which path carries which content, and every record that could not be parsed or keyed.",
            *FEED_KEYS.values(),
        ),
        raw_spec(REFERENCE_KEY, "Accounts, sites, contracts and credits in force, checked row by row."),
        raw_spec(
            ZONES_KEY,
            "Offsets from UTC of the sites' zones, from the tzdata release in the lock (SPEC R2).",
            REFERENCE_KEY,
        ),
        raw_spec(SEALS_KEY, "What the seals of closed periods hold, read back (SPEC C1)."),
        raw_spec(SETTINGS_KEY, "The run's one clock (LEDGER_AS_OF) and its period, handed to SQL."),
    ],
    can_subset=False,
)
def raw_feeds(context: AssetExecutionContext, ledger: LedgerResource) -> Iterator[MaterializeResult]:
    """Bring raw.* in line with landing, reference rows, zone data and seals as they are now."""
    settings, log = ledger.settings, context.log.info
    partition = context.run.tags.get(PARTITION_TAG)
    if partition is None:
        raise LedgerError(
            "No period was given: launch the job monthly_run with a partition, or `make run PERIOD=YYYY-MM`."
        )
    if not settings.landing.is_dir():
        raise LedgerError(
            f"{settings.landing} does not exist: put the files there, in one folder a feed; "
            "`make demo` in another LEDGER_HOME shows a sample."
        )
    if context.run.job_name == MONTHLY_CLOSE:
        refuse_early(settings, parse_period(partition))
    with loading(settings, context.run_id) as connection:
        begin_run(connection, settings, parse_period(partition), context.run_id)
        if settings.loader == "spark":
            load_reference(connection, settings, log)  # first: Spark numbers contents behind those of reference files
            summaries = load_landing_on_spark(connection, settings, log)
        else:
            forget_spark(connection)
            summaries = load_landing(connection, settings, log)
            load_reference(connection, settings, log)
        for summary in summaries:
            yield MaterializeResult(
                asset_key=FEED_KEYS[summary.feed],
                metadata={
                    "files": summary.files,
                    "new_files": summary.new,
                    "removed_files": summary.removed,
                    "new_records": summary.records,
                    "new_rejects": summary.rejects,
                    "seconds": round(summary.seconds, 2),
                },
            )
        load_seals(connection, settings)
        report_zone_changes(connection, parse_period(partition), log)
        load_zone_offsets(connection)
        write_run_settings(connection, settings, parse_period(partition), tzdata_version())
        yield _with_rows(connection, MANIFEST_KEY, ["landing_files", "landing_contents", "rejected_records"])
        yield _with_rows(connection, REFERENCE_KEY, ["accounts", "sites", "contracts", "credits"])
        yield _with_rows(connection, ZONES_KEY, ["zone_offsets"])
        yield _with_rows(connection, SEALS_KEY, ["seals", "sealed_invoice_lines"])
        yield MaterializeResult(
            asset_key=SETTINGS_KEY,
            metadata={"period": partition, "as_of": settings.as_of.isoformat(), "tzdata": tzdata_version()},
        )
        set_stage(connection, LOADED, context.run_id)


def _with_rows(connection: duckdb.DuckDBPyConnection, key: AssetKey, tables: list[str]) -> MaterializeResult:
    rows = [(name, connection.execute(f"select count(*) from raw.{name}").fetchall()[0][0]) for name in tables]
    return MaterializeResult(asset_key=key, metadata={"rows": table_value(["table", "rows"], rows)})


RAW_ASSETS = [raw_feeds]
