"""Raw tables filled by SQL alone, as if the month's files had been loaded: for sizes whose files would fill the disk.

What belongs here: the same conversations (shape) as rows of raw.*. What does not: reference, zones and the few users,
which are loaded from their files. Columns are matched by name, those that the project's DDL has and no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb

from benchmarks.shape import DAYS, Month, begins_ms, export_sql, macros
from orchestration.event_feeds import RECORDS_PER_CONTENT

PARTS_A_DAY_MESSAGES = 2_000_000  # so that no statement holds more than a part of a day


def fill(connection: duckdb.DuckDBPyConnection, month: Month, days: Sequence[int] = range(DAYS)) -> None:
    """Write the month's conversations and invocations to raw.*, one content a day (and part of a large day).

    The day DAYS is the one after the month: it goes on in the same way.
    """
    connection.execute("set preserve_insertion_order = false")
    connection.execute(macros(month))
    parts = max(1, -(-month.messages // DAYS // PARTS_A_DAY_MESSAGES))
    content = int(connection.execute("select coalesce(max(content_id), 0) from raw.landing_contents").fetchall()[0][0])
    for day in days:
        for part in range(parts):
            content += 1
            query = export_sql(month, day, f"number % {parts} = {part}")
            connection.execute(
                f"create or replace temp table told as select {content} as content_id, "
                f"{content}::bigint * {RECORDS_PER_CONTENT} + row_number() over (order by number) "
                f"as conversation_copy_id, * "
                f"from ({query})"
            )
            for table, rows in _rows():
                insert(connection, table, rows)
            _manifest(connection, content, "messaging_interactions", f"day_{day:02d}_{part:02d}.jsonl")
        content += 1
        insert(connection, "function_invocations", _invocations(month, day, content))
        _manifest(connection, content, "function_invocations", f"functions_{day:02d}.jsonl")
    connection.execute("drop table told")


def _rows() -> Iterator[tuple[str, str]]:
    yield (
        "conversations",
        f"""
        select
            content_id, conversation_copy_id, conversation_copy_id % {RECORDS_PER_CONTENT} as record_index, site_id,
            conversation_id, source, 'CLOSE' as status, make_timestamptz(begins_ms * 1000) as started_at,
            make_timestamptz(ends_ms * 1000) as ended_at, false as is_partial, false as has_repeated_message_ids
        from told""",
    )
    yield (
        "messages",
        f"""
        select
            content_id, conversation_copy_id, conversation_copy_id % {RECORDS_PER_CONTENT} as record_index,
            message_index, site_id, conversation_id,
            'ms::dialog:' || conversation_id || '::msg:' || each.place as message_id,
            case each.kind
                when 'consumer' then consumer_id when 'bot' then bot_id when 'system' then system_id else human_id
            end as participant_id,
            make_timestamptz(each.at_ms * 1000) as sent_at,
            case each.kind when 'consumer' then 'consumer' else 'agent' end as sender_side,
            case each.kind when 'private' then 'AGENTS_AND_MANAGERS' else 'ALL' end as audience,
            cast(null as varchar) as message_source
        from (
            select
                *, unnest(messages) as each, generate_subscripts(messages, 1)::integer as message_index
            from told
        )""",
    )
    for kind, column, number in (("human", "human_id", 1), ("bot", "bot_id", 2), ("system", "system_id", 0)):
        kinds = "['human', 'private']" if kind == "human" else f"['{kind}']"
        yield (
            "agent_participants",
            f"""
            select
                content_id, conversation_copy_id, site_id, conversation_id, {column} as agent_id,
                {number} as user_type, make_timestamptz(begins_ms * 1000) as listed_at
            from told
            where list_has_any({kinds}, list_transform(messages, lambda each: each.kind))""",
        )
    yield (
        "consumer_participants",
        """
        select
            content_id, conversation_copy_id, site_id, conversation_id, consumer_id as participant_id,
            make_timestamptz(begins_ms * 1000) as listed_at
        from told""",
    )
    yield (
        "cobrowse_sessions",
        f"""
        select
            content_id, conversation_copy_id, conversation_copy_id % {RECORDS_PER_CONTENT} as record_index,
            1 as session_index, site_id, conversation_id,
            site_id || ':' || human_id || '__' || conversation_id || '_' || begins_ms as session_id,
            make_timestamptz((begins_ms + 20000) * 1000) as started_at,
            make_timestamptz((begins_ms + 25000) * 1000) as interactive_at, roll(number, 22, 10) < 6 as is_interactive
        from told
        where roll(number, 21, 100) = 0""",
    )


def _invocations(month: Month, day: int, content: int) -> str:
    begin, end = month.invocations * day // DAYS, month.invocations * (day + 1) // DAYS
    return f"""
        select
            {content} as content_id, number - {begin} + 1 as record_index, site_id(site_of(number)) as site_id,
            uuid_of(roll(number, 31, 40), 'function') as function_id,
            uuid_of(number, 'invocation') as invocation_id,
            make_timestamptz(({begins_ms() + day * 86_400_000} + roll(number, 32, 86400000)) * 1000) as invoked_at,
            list_extract(['EVENT', 'EVENT', 'DIRECT', 'EXTERNAL', 'SCHEDULE', 'MANUAL_TEST'],
                1 + roll(number, 33, 6)) as "trigger",
            'SUCCEEDED' as state, 1 + roll(number, 35, 400) as invocation_count, true as is_count_stated
        from range({begin}, {end}) as numbers(number)"""


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Insert the columns that the table has; SystemExit if it has one that must not be null and is not here."""
    mine = {row[0] for row in connection.execute(f"describe {rows}").fetchall()}
    described = connection.execute(f"describe raw.{table}").fetchall()
    missing = [name for name, _, nullable, *_ in described if nullable == "NO" and name not in mine]
    if missing:
        raise SystemExit(f"benchmarks/raw.py does not know the columns {', '.join(missing)} of raw.{table}")
    names = ", ".join(f'"{row[0]}"' for row in described if row[0] in mine)
    connection.execute(f"insert into raw.{table} ({names}) select {names} from ({rows})")


def _manifest(connection: duckdb.DuckDBPyConnection, content: int, feed: str, name: str) -> None:
    table, moment = (
        ("messages", "sent_at") if feed == "messaging_interactions" else ("function_invocations", "invoked_at")
    )
    connection.execute(
        f"""
        insert into raw.landing_contents
        select
            $content, $feed, 'jsonl', sha256($path), count(*),
            count(*) + $sessions * (select count(*) from raw.cobrowse_sessions where content_id = $content), 0,
            min({moment}), max({moment}), 'benchmark'
        from raw.{table}
        where content_id = $content""",
        {"content": content, "feed": feed, "path": f"{feed}/{name}", "sessions": int(table == "messages")},
    )
    connection.execute(
        "insert into raw.landing_files select ?, ?, sha256(?), 1, 0, ?",
        [f"{feed}/{name}", feed, f"{feed}/{name}", content],
    )
