"""One Dagster asset a raw feed: landing files to raw tables, then what the run itself adds.

What belongs here: the loading steps in order and what they report. What does not: how a file is read (landing,
reference, zones, sealing).
"""

from __future__ import annotations

from collections.abc import Iterator

from dagster import AssetExecutionContext, AssetKey, AssetSpec, MaterializeResult, MetadataValue, asset, multi_asset

from orchestration.landing import load_landing
from orchestration.reference import load_reference
from orchestration.resources import LedgerResource
from orchestration.sealing import load_seals
from orchestration.settings import LedgerError, parse_period
from orchestration.state import LOADED, loading, set_stage, write_run_settings
from orchestration.terminal import markdown
from orchestration.warehouse import ENGINEERS
from orchestration.zones import load_zone_offsets, tzdata_version

PARTITION_TAG = "dagster/partition"
DESCRIPTIONS = {
    "messaging_interactions": "Conversations, messages, participants and Co-Browse sessions of the Messaging Interactions API.",
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

RAW = {"group_name": "raw", "owners": ENGINEERS}


def raw_spec(key: AssetKey, description: str) -> AssetSpec:
    """A raw asset of the landing step."""
    return AssetSpec(key, description=description, kinds={"python", "duckdb"}, **RAW)


@multi_asset(
    name="landing",
    specs=[
        *(raw_spec(FEED_KEYS[feed], text) for feed, text in DESCRIPTIONS.items()),
        raw_spec(MANIFEST_KEY, "Which path carries which content, and every record that could not be parsed or keyed."),
    ],
    can_subset=False,
)
def landing_feeds(context: AssetExecutionContext, ledger: LedgerResource) -> Iterator[MaterializeResult]:
    """Bring raw.* in line with the files that are in landing now."""
    settings = ledger.settings
    if not settings.landing.is_dir():
        raise LedgerError(f"{settings.landing} does not exist: put the files there, in one folder a feed, or run `make demo`.")
    with loading(settings, context.run_id) as connection:
        summaries = load_landing(connection, settings, context.log.info)
        files = connection.execute(
            "select feed, count(*), sum(size_bytes)::bigint from raw.landing_files group by 1 order by 1"
        ).fetchall()
        rejects = connection.execute("select count(*) from raw.rejected_records").fetchone()
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
    yield MaterializeResult(
        asset_key=MANIFEST_KEY,
        metadata={
            "files": MetadataValue.md(markdown(["feed", "files", "bytes"], files)),
            "rejected_records": rejects[0] if rejects else 0,
        },
    )


@asset(key=REFERENCE_KEY, deps=[MANIFEST_KEY], kinds={"python", "duckdb"}, **RAW)
def reference(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
    """Accounts, sites, contracts and credits in force, checked row by row."""
    with loading(ledger.settings, context.run_id) as connection:
        load_reference(connection, ledger.settings)
        rows = [
            (name, connection.execute(f"select count(*) from raw.{name}").fetchall()[0][0])
            for name in ("accounts", "sites", "contracts", "credits")
        ]
    return MaterializeResult(metadata={"rows": MetadataValue.md(markdown(["table", "rows"], rows))})


@asset(key=ZONES_KEY, deps=[REFERENCE_KEY], kinds={"python", "duckdb"}, **RAW)
def zone_offsets(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
    """Offsets from UTC of the zones in use, from the tzdata release in the lock (SPEC R2)."""
    with loading(ledger.settings, context.run_id) as connection:
        load_zone_offsets(connection)
        zones, rows = connection.execute("select count(distinct time_zone), count(*) from raw.zone_offsets").fetchall()[0]
    return MaterializeResult(metadata={"tzdata": tzdata_version(), "zones": zones, "dagster/row_count": rows})


@asset(key=SEALS_KEY, deps=[REFERENCE_KEY], kinds={"python", "duckdb"}, **RAW)
def seals(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
    """What the seals of closed periods hold, read back (SPEC C1)."""
    with loading(ledger.settings, context.run_id) as connection:
        load_seals(connection, ledger.settings)
        rows = connection.execute("select seal_period, seal_hash from raw.seals order by 1").fetchall()
    return MaterializeResult(metadata={"seals": MetadataValue.md(markdown(["period", "seal"], rows))})


@asset(key=SETTINGS_KEY, deps=[MANIFEST_KEY, REFERENCE_KEY, ZONES_KEY, SEALS_KEY], kinds={"python", "duckdb"}, **RAW)
def run_settings(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
    """The run's one clock (LEDGER_AS_OF) and its period, handed to SQL."""
    period = context.run.tags.get(PARTITION_TAG)
    if period is None:
        raise LedgerError("No period was given: launch the job monthly_run with a partition, or `make run PERIOD=YYYY-MM`.")
    with loading(ledger.settings, context.run_id) as connection:
        write_run_settings(connection, ledger.settings, parse_period(period), tzdata_version())
        set_stage(connection, LOADED, context.run_id)
    return MaterializeResult(metadata={"period": period, "as_of": ledger.settings.as_of.isoformat()})


RAW_ASSETS = [landing_feeds, reference, zone_offsets, seals, run_settings]
