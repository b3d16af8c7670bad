"""The step `loading` where LEDGER_LOADER is `spark`: events stay in Spark's raw tables, the warehouse gets the rest.

What belongs here: starting Spark's loader, taking over its manifest (files, contents, rejects) and what it counted for
the first gate. What does not: the loading itself (load_part, loader), reference files, which DuckDB loads either way.
"""

from __future__ import annotations

import time
from typing import Any

import duckdb

from orchestration.batch import FeedSummary
from orchestration.content import literal
from orchestration.event_feeds import FEEDS
from orchestration.landing import Log, tell_strangers
from orchestration.policy import withdrawn_paths
from orchestration.settings import LedgerError, Settings, check_pseudonym_key
from orchestration.spark import build, layout
from orchestration.spark.export import export_reference, raw_folder, reference_folder
from orchestration.state import is_loaded_by_spark, write_built
from orchestration.suites import read_suite

PART = "orchestration.spark.load_part"
DDL = """
create schema if not exists ledger;
create or replace table ledger.loaded_by_spark (
    control varchar not null,       -- of the first gate, over event tables
    failing bigint not null         -- rows that it lists
);
"""


def load_landing_on_spark(connection: duckdb.DuckDBPyConnection, settings: Settings, log: Log) -> list[FeedSummary]:
    """Read all landing files into Spark's raw tables, and their manifest into the warehouse; one answer a feed.

    Reference files are loaded before. LedgerError when Spark cannot run or load; the last load's tables then stay.
    """
    started = time.monotonic()
    check_pseudonym_key(connection, settings)
    tell_strangers(settings, log)
    export_reference(connection, settings)
    answer = build.start(settings, _request(settings), log, PART)
    if "error" in answer:
        raise LedgerError(answer["error"])
    summaries = _take_over(connection, settings, answer["figures"])
    for summary in summaries:
        summary.seconds = time.monotonic() - started
    return summaries


def forget_spark(connection: duckdb.DuckDBPyConnection) -> None:
    """Before DuckDB loads: what Spark's loader left here knows of no event, so every file is new."""
    if not is_loaded_by_spark(connection):
        return
    connection.begin()
    for table in layout.SHARED_TABLES:
        connection.execute(f"delete from raw.{table} where {_of_feeds(table)}")
    connection.execute("drop table ledger.loaded_by_spark")
    connection.commit()


def require_events(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """LedgerError where DuckDB is to build models of events that Spark has loaded: their tables here are empty."""
    if settings.engine != "spark" and is_loaded_by_spark(connection):
        raise LedgerError(
            "Spark has loaded the landing files, and LEDGER_ENGINE is `duckdb` now: run `make run PERIOD=YYYY-MM`, "
            "which loads them again, or set the environment as it was."
        )


def _request(settings: Settings) -> dict[str, Any]:
    controls = read_suite(settings, "loaded", []).controls
    return build.request_of(settings) | {
        "landing": str(settings.landing),
        "reference": str(reference_folder(settings)),
        "raw": str(raw_folder(settings)),
        "withdrawn": sorted(withdrawn_paths(settings)),
        "controls": {one.name: one.rows for one in controls if layout.events_of(one.rows)},
    }


def _of_feeds(table: str) -> str:
    if table == "rejected_records":
        return "content_id not in (select content_id from raw.landing_contents where feed = 'reference')"
    return "feed <> 'reference'"


def _take_over(
    connection: duckdb.DuckDBPyConnection, settings: Settings, figures: dict[str, int]
) -> list[FeedSummary]:
    """Replace the feeds' manifest by Spark's, all of it or nothing; the event tables here are emptied."""
    connection.execute("create or replace temp table files_before as select path, sha256, feed from raw.landing_files")
    # What DuckDB built of events that it loaded itself would go on from numbers that mean other files now.
    write_built(connection, None)
    connection.begin()
    try:
        for table in layout.FEED_TABLES:
            connection.execute(f"delete from raw.{table}")
        for table in reversed(layout.SHARED_TABLES):  # the rejects of reference files are told by their contents
            connection.execute(f"delete from raw.{table} where {_of_feeds(table)}")
        for table in layout.SHARED_TABLES:
            folder = raw_folder(settings) / table
            if not any(folder.glob("*.parquet")):
                continue  # Spark may write no file where there is no row
            files = literal(str(folder / "*.parquet"))
            connection.execute(
                f"insert into raw.{table} by name select * from read_parquet({files}) where {_of_feeds(table)}"
            )
        connection.execute(DDL)
        connection.executemany("insert into ledger.loaded_by_spark values (?, ?)", list(figures.items()))
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return [_summary(connection, feed) for feed in FEEDS]


def _summary(connection: duckdb.DuckDBPyConnection, feed: str) -> FeedSummary:
    """What a load of all files did for a feed, next to what was known before."""
    files = connection.execute(
        """
        select
            count(now.path), count(now.path) filter (now.sha256 is distinct from before.sha256),
            count(now.path) filter (now.sha256 = before.sha256), count(*) filter (now.path is null)
        from (from raw.landing_files where feed = $feed) as now
        full outer join (from files_before where feed = $feed) as before using (path)""",
        {"feed": feed},
    ).fetchone() or (0, 0, 0, 0)
    found = connection.execute(
        "select coalesce(sum(records), 0), coalesce(sum(rejects), 0), coalesce(sum(size_bytes), 0) "
        "from raw.landing_contents where feed = ?",
        [feed],
    ).fetchone() or (0, 0, 0)
    number, new, unchanged, removed = files
    records, rejects, size = (int(value) for value in found)
    return FeedSummary(feed, number, new, unchanged, removed, 0, records, rejects, size)
