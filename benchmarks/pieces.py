"""The pieces that are measured, each in a process of its own: `python -m benchmarks.pieces <piece> ...`.

Each does one thing through the project's own functions and prints one JSON object: `seconds` of the work itself, and
what else it has to say. What does not belong here: what is compared with what (sections).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.shape import DAYS, PERIOD, Month

Answer = dict[str, Any]


def load(options: argparse.Namespace) -> Answer:
    """Landing files to raw tables, as the step `loading` of a run does it; its modules are imported before."""
    import pandas  # noqa: F401  DuckDB's client does so at its first parameter

    from orchestration.landing import load_landing
    from orchestration.reference import load_reference
    from orchestration.sealing import load_seals
    from orchestration.settings import Settings, connect, parse_period
    from orchestration.state import write_run_settings
    from orchestration.zones import load_zone_offsets, tzdata_version

    settings = Settings.from_environment()
    settings.home.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with connect(settings) as connection:
        summaries = load_landing(connection, settings, lambda _: None)
        load_reference(connection, settings, lambda _: None)
        load_seals(connection, settings)
        load_zone_offsets(connection)
        write_run_settings(connection, settings, parse_period(options.period), tzdata_version())
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "records": sum(summary.records for summary in summaries),
        "rejects": sum(summary.rejects for summary in summaries),
        "bytes": sum(summary.size_bytes for summary in summaries),
        "files": sum(summary.new for summary in summaries),
        "seconds_by_feed": {summary.feed: round(summary.seconds, 3) for summary in summaries},
    }


def fill(options: argparse.Namespace) -> Answer:
    """A month's raw tables by SQL, or a day's, beside what was loaded from files (reference, zones, users)."""
    from benchmarks.raw import fill as fill_raw
    from orchestration.settings import Settings, connect

    started = time.perf_counter()
    with connect(Settings.from_environment()) as connection:
        days = range(DAYS) if options.day is None else [options.day]
        fill_raw(connection, Month(options.messages), days)
        messages = connection.execute("select count(*) from raw.messages").fetchall()[0][0]
    return {"seconds": time.perf_counter() - started, "messages": messages}


LINES = """
    select line from read_csv(
        $files, columns = {'line': 'varchar'}, header = false, auto_detect = false, delim = chr(1), quote = '',
        escape = '', max_line_size = $longest, buffer_size = 2 * $longest, null_padding = false)"""


def text(options: argparse.Namespace) -> Answer:
    """The same bytes as lines of text: DuckDB reads landing's files and adds up the lines' bytes, or stores them."""
    folder = Path(options.folder)
    files = sorted(str(path) for path in folder.rglob("*.json*") if path.is_file())
    longest = 16 << 20 if any(path.endswith(".json") for path in files) else 2 << 20
    scratch = folder.parent / "lines.duckdb"
    scratch.unlink(missing_ok=True)
    started = time.perf_counter()
    with duckdb.connect(str(scratch) if options.is_stored else ":memory:") as connection:
        connection.execute("set preserve_insertion_order = false")
        given = {"files": files, "longest": longest}
        if options.is_stored:
            connection.execute(f"create table lines as {LINES}", given)
        else:
            connection.execute(f"select count(*), sum(strlen(line)) from ({LINES})", given)
    seconds = time.perf_counter() - started
    scratch.unlink(missing_ok=True)
    return {"seconds": seconds, "bytes": sum(Path(path).stat().st_size for path in files), "files": len(files)}


# Of some columns, although stated, DuckDB guesses a schema first, from 20,480 records of each of 32 files.
NO_GUESS = "sample_size = 1, maximum_sample_files = 1"
MESSAGES = "STRUCT(messageId VARCHAR, participantId VARCHAR, sentBy VARCHAR, audience VARCHAR, timeL BIGINT)[]"
RECORD = f"info STRUCT(brandId VARCHAR, conversationId VARCHAR), messageRecords {MESSAGES}"
BARE = """
    create table messages as
    select
        site_id,
        conversation_id,
        message.messageId as message_id,
        message.participantId as participant_id,
        message.sentBy as sent_by,
        message.audience as audience,
        make_timestamptz(message.timeL * 1000) as sent_at
    from (
        select record.info.brandId as site_id, record.info.conversationId as conversation_id,
            unnest(record.messageRecords) as message
        from ({records})
    )"""
BARE_RECORDS = {
    "jsonl": f"""
        select {{'info': info, 'messageRecords': messageRecords}} as record from read_json(
            $files, format = 'newline_delimited', {NO_GUESS}, columns = {{
                info: 'STRUCT(brandId VARCHAR, conversationId VARCHAR)', messageRecords: '{MESSAGES}'}})""",
    "json": f"""
        select unnest(conversationHistoryRecords) as record from read_json(
            $files, format = 'unstructured', {NO_GUESS}, columns = {{
                conversationHistoryRecords: 'STRUCT({RECORD})[]'}})""",
}


def bare(options: argparse.Namespace) -> Answer:
    """One statement that stores seven columns of each message.

    No hash, no manifest, no rejects; no participants, sessions or invocations; a broken record ends it.
    """
    folder = Path(options.folder)
    files = sorted(str(path) for path in (folder / "messaging_interactions").iterdir())
    scratch = folder.parent / "bare.duckdb"
    scratch.unlink(missing_ok=True)
    started = time.perf_counter()
    with duckdb.connect(str(scratch)) as connection:
        connection.execute("set preserve_insertion_order = false")
        records = BARE_RECORDS[files[0].rsplit(".", 1)[-1]]
        messages = connection.execute(BARE.format(records=records), {"files": files}).fetchall()[0][0]
    seconds = time.perf_counter() - started
    scratch.unlink(missing_ok=True)
    return {"seconds": seconds, "messages": messages, "files": len(files)}


def least(options: argparse.Namespace) -> Answer:
    """What no loader can leave out, on all cores, and nothing kept of it: the bytes are hashed (SPEC 5), then parsed.

    SHA-256 by the standard library, a file a thread; then one `read_json` of the very fields that `load` reads.
    """
    from orchestration.event_feeds import FEEDS
    from orchestration.leaves import duckdb_type

    feed = FEEDS["messaging_interactions"]
    files = sorted((Path(options.folder) / feed.name).iterdir())
    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = list(pool.map(_sha256, files))
    hashed = time.perf_counter() - started
    if files[0].suffix == ".jsonl":
        shape, kind = feed.shape, "newline_delimited"
    else:
        shape, kind = {str(feed.page_list): [feed.shape]}, "unstructured"
    columns = ", ".join(f"\"{name}\": '{duckdb_type(part)}'" for name, part in shape.items())
    counts = ", ".join(f'count("{name}")' for name in shape)
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            f"select {counts} from read_json($files, format = '{kind}', {NO_GUESS}, columns = {{{columns}}})",
            {"files": [str(path) for path in files]},
        ).fetchall()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "hash_seconds": hashed, "files": len(set(hashes))}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build(_: argparse.Namespace) -> Answer:
    """All of dbt's models from raw tables to marts, without data tests; parsed and imported before."""
    from orchestration import models
    from orchestration.settings import Settings

    with models.rare_collections():
        import dbt.cli.main  # noqa: F401
        import pandas  # noqa: F401  DuckDB's client does so at its first parameter

    settings = Settings.from_environment()
    models.prepare(settings)
    started = time.perf_counter()
    done = models.build(settings, data_tests="none")
    seconds = time.perf_counter() - started
    if done.failures:
        raise SystemExit(done.failures[0])
    by_node = {name.split(".")[-1]: round(own, 3) for name, own in done.seconds_by_node.items()}
    return {
        "seconds": seconds,
        "models_seconds": sum(done.seconds_by_node.values()),
        "slowest": dict(sorted(by_node.items(), key=lambda one: -one[1])[:20]),
    }


def publish(_: argparse.Namespace) -> Answer:
    """The marts to published/finance.duckdb as a run does it, its gates left out: compared, written, hashed."""
    from orchestration import models, publication
    from orchestration.settings import Settings
    from orchestration.suites import published_tables

    settings = Settings.from_environment()
    tables = published_tables(models.read_manifest(settings))
    said: list[str] = []
    started = time.perf_counter()
    contents = publication.publish(settings, tables, said.append)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "rows": sum(content.rows for content in contents.values()), "said": said}


def parse(_: argparse.Namespace) -> Answer:
    """dbt's parse of this home, so that what follows finds it done."""
    from orchestration import models
    from orchestration.settings import Settings

    started = time.perf_counter()
    models.prepare(Settings.from_environment())
    return {"seconds": time.perf_counter() - started}


HAND = """
create table benchmark.conversation_days as
select
    site_id,
    participant_id as consumer_id,
    conversation_copy_id,
    cast(sent_at as date) as utc_day,
    count(*) filter (where sender_side = 'consumer') as consumer_messages,
    count(*) filter (where sender_side = 'agent') as agent_messages,
    min(sent_at) as first_message_at,
    max(sent_at) as last_message_at
from raw.messages
group by all"""


def hand(_: argparse.Namespace) -> Answer:
    """One `create table` by hand: raw.messages by (site, consumer, conversation, UTC day). No rule is in it."""
    from orchestration.settings import Settings, connect

    settings = Settings.from_environment()
    with connect(settings) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set disable_timestamptz_casts = false")
        connection.execute("create schema if not exists benchmark")
        connection.execute("drop table if exists benchmark.conversation_days")
        started = time.perf_counter()
        connection.execute(HAND)
        seconds = time.perf_counter() - started
        rows = connection.execute("select count(*) from benchmark.conversation_days").fetchall()[0][0]
        connection.execute("drop table benchmark.conversation_days")
    return {"seconds": seconds, "rows": rows}


PIECES: dict[str, Callable[[argparse.Namespace], Answer]] = {
    piece.__name__: piece for piece in (load, text, bare, least, build, publish, fill, parse, hand)
}


def main() -> int:
    """Run one piece."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pieces", description=__doc__)
    parser.add_argument("piece", choices=sorted(PIECES))
    parser.add_argument("--folder", default="", help="a landing folder")
    parser.add_argument("--messages", type=int, default=0, help="how many to fill in")
    parser.add_argument("--day", type=int, help="fill in this day of the month alone, from 0")
    parser.add_argument("--is-stored", action="store_true", help="store the lines of text")
    parser.add_argument("--period", default=PERIOD, help="the month that is asked for")
    options = parser.parse_args()
    print(json.dumps(PIECES[options.piece](options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
