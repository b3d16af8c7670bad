"""Is what the peer billed what we billed? Row by row, both ways.

What belongs here: the columns compared and the query that finds differences. What does not: timing.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.shape import PERIOD

SHOWN = 3
OURS = {
    "dars": """
        select
            site_id, relationship_id, activity_date, composition, consumer_messages, human_messages, bot_messages,
            conversations, first_message_at, last_message_at
        from usage.fct_daily_active_relationships""",
    "listening": """
        select site_id, relationship_id, activity_date, conversation_id, is_counted
        from usage.fct_listening_credits""",
    "lines": f"""
        select contract_id, usage_period, charge_id, quantity, credits, amount
        from billing.fct_invoice_lines
        where line_kind = 'charge' and billing_period <= date '{PERIOD}-01'""",
}


def differences(warehouse: Path, peer: Path) -> dict[str, tuple[int, str]]:
    """For each result that differs: how many rows only one of the two has, and a few of them. Empty: all is equal."""
    found = {}
    with duckdb.connect() as connection:
        # The views in it call it by this name, whatever the file is called.
        connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
        connection.execute("use warehouse")
        connection.execute("set TimeZone = 'UTC'")
        for name, query in OURS.items():
            columns = [row[0] for row in connection.execute(f"describe {query}").fetchall()]
            theirs = f"select {', '.join(columns)} from read_parquet('{peer / name}.parquet')"
            connection.execute(f"""
                create or replace temp table differing as
                (select 'ours' as whose, * from ({query} except all {theirs}))
                union all
                (select 'theirs', * from ({theirs} except all {query}))""")
            rows = connection.execute("select count(*) from differing").fetchall()[0][0]
            total = connection.execute(f"select count(*) from ({query})").fetchall()[0][0]
            if rows or not total:
                shown = connection.execute(f"select * from differing order by all limit {SHOWN}").fetchall()
                found[name] = (rows, "; ".join(str(row) for row in shown) if total else "ours is empty")
    return found
