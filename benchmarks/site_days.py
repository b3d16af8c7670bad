"""What the site's own days cost: DAR of raw messages counted by site-local day, beside the same count by UTC day.

`python -m benchmarks.site_days [--rows 50000000] [--repeat 5] [--folder DIR]` prints a table and one line of JSON.
`site_day` is the project's: its macros, raw table and int_site_offset_buckets, compiled by dbt, with the join that
int_message_groups makes. `utc_day` is what one writes for a UTC day, a cast in a UTC session: `site_day_ratio` is over
it. `utc_arithmetic` is the barest UTC day there is, the project's macro with offset 0 and no join:
`site_day_arithmetic_ratio` is over that. Messages lie as they are delivered, conversation by conversation, which
makes the rest of the count cheap and the join's share of it large.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import raw
from orchestration import models, state, zones
from orchestration.settings import Settings, connect

PERIOD = date(2026, 10, 1)
BEGINS_AT, DAYS = (
    int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * 1_000_000,
    35,
)  # a month and its edges: clocks change
SITES, MESSAGES_A_CONVERSATION, CONSUMERS = 200, 10, 2_000_000
ZONES = (
    "America/Anchorage", "America/Chicago", "America/Los_Angeles", "America/New_York", "America/Santiago",
    "America/Sao_Paulo", "America/St_Johns", "Asia/Dubai", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Adelaide", "Australia/Sydney", "Europe/Berlin", "Europe/London", "Europe/Madrid",
    "Europe/Istanbul", "Pacific/Auckland", "Pacific/Honolulu",
)  # fmt: skip
BY_DAY = """
select count(*) as dar
from (
    select distinct messages.site_id, messages.participant_id, {day} as activity_date
    from {{{{ source('raw', 'messages') }}}} as messages
    {join}
) as days"""
QUERIES = {
    "utc_day": BY_DAY.format(day="cast(messages.sent_at as date)", join=""),
    "utc_arithmetic": BY_DAY.format(day="{{ site_date('messages.sent_at', 0) }}", join=""),
    "site_day": BY_DAY.format(
        day="{{ site_date('messages.sent_at', 'offsets.utc_offset_seconds') }}",
        join="""inner join {{ ref('int_site_offset_buckets') }} as offsets
        on messages.site_id = offsets.site_id
        and {{ instant_bucket('messages.sent_at') }} = offsets.instant_bucket
        and messages.sent_at >= offsets.valid_from
        and messages.sent_at < offsets.valid_to""",
    ),
}


def fill(connection: duckdb.DuckDBPyConnection, settings: Settings, rows: int) -> None:
    """Messages in raw.messages by SQL, the same for the same number: conversations of ten, three minutes apart."""
    connection.execute(
        """
        insert into raw.sites
        select 0, 0, 'site-' || number, 'account', ($zones)[1 + number % len($zones)], true,
            timestamptz '2020-01-01 00:00:00+00'
        from range($sites) as sites(number)""",
        {"zones": list(ZONES), "sites": SITES},
    )
    raw.insert(
        connection,
        "messages",
        f"""
        with conversations as (
            select
                number,
                cast(hash(number) % {SITES} as bigint) as site,
                cast(hash(number, 1) % {CONSUMERS} as bigint) as consumer,
                cast(hash(number, 2) % ({DAYS}::bigint * 86400000) as bigint) as begins_ms
            from range({-(-rows // MESSAGES_A_CONVERSATION)}) as conversations(number)
        )
        select
            1 as content_id, number as conversation_copy_id, place as message_index, 'site-' || site as site_id,
            'ms::dialog::msg:' || place as message_id, 'consumer-' || consumer as participant_id,
            make_timestamptz({BEGINS_AT} + (begins_ms + place * 180000) * 1000) as sent_at, 'consumer' as sender_side
        from conversations
        cross join range({MESSAGES_A_CONVERSATION}) as places(place)""",
    )
    connection.execute(
        """
        insert into raw.landing_contents
        select 1, 'messaging_interactions', 'jsonl', 'benchmark', 0, count(*), 0, min(sent_at), max(sent_at), '1'
        from raw.messages"""
    )
    zones.load_zone_offsets(connection)
    state.write_run_settings(connection, settings, PERIOD, zones.tzdata_version())


def compiled(settings: Settings) -> dict[str, str]:
    """Build int_site_offset_buckets with what it reads, and compile the queries by dbt."""
    from dbt.cli.main import dbtRunner

    build = models.build(settings, ["+int_site_offset_buckets"])
    if build.failures:
        raise SystemExit(build.failures[0])
    root, target = str(settings.project_root), str(models.target_folder(settings))
    places = ["--project-dir", root, "--profiles-dir", root, "--target-path", target, "--log-path", target]
    found = {}
    for name, query in QUERIES.items():
        answer = dbtRunner().invoke(["--log-level", "none", "--quiet", "compile", "--inline", query, *places])
        if not answer.success:
            raise SystemExit(f"dbt cannot compile {name}: {answer.exception}")
        found[name] = answer.result.results[0].node.compiled_code
    models._close_database()
    return found


def measure(rows: int, repeat: int, folder: Path) -> dict[str, Any]:
    """Times (seconds) and counts of the queries, taken in turn; a ratio is one of medians."""
    settings = Settings(home=folder, as_of=datetime(2026, 12, 1, tzinfo=UTC))
    folder.mkdir(parents=True, exist_ok=True)
    with connect(settings) as connection:
        fill(connection, settings, rows)
    queries = compiled(settings)
    seconds: dict[str, list[float]] = {name: [] for name in queries}
    counts: dict[str, int] = {}
    with connect(settings) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute("set disable_timestamptz_casts = false")  # utc_day casts
        for _ in range(repeat):
            for name, query in queries.items():
                started = time.perf_counter()
                answer = connection.execute(query).fetchone()
                seconds[name].append(time.perf_counter() - started)
                counts[name] = answer[0] if answer else 0
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    return {
        "rows": rows,
        "repeat": repeat,
        **{f"{name}_dar": count for name, count in counts.items()},
        **{f"{name}_seconds": round(value, 3) for name, value in medians.items()},
        "site_day_ratio": round(medians["site_day"] / medians["utc_day"], 3),
        "site_day_arithmetic_ratio": round(medians["site_day"] / medians["utc_arithmetic"], 3),
        "machine": f"{os.cpu_count()} x {platform.machine()}, Python {platform.python_version()}, "
        f"DuckDB {duckdb.__version__}",
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; always 0: what is fast enough is for the reader, or for a test, to say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.site_days", description="Site-local against UTC days.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the data is written; a temporary folder by default")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="site-days-", dir=given.folder) as folder:
        figures = measure(given.rows, given.repeat, Path(folder) / "home")
    print(f"{figures['rows']:,} messages on {figures['machine']}, medians of {figures['repeat']} interleaved runs")
    for name in QUERIES:
        print(f"{name:>14}  {figures[f'{name}_seconds']:8.2f} s  {figures[f'{name}_dar']:12,} DAR")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
