"""A process of finance's: opens the published file, asks, closes, again and again until it is told to stop.

`python reader.py <published file> <stop file> <report>`; the report says how often it asked and what it saw.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

QUESTION = """
select
    (select count(*) || ' ' || coalesce(sum(amount), 0) from billing.fct_invoice_lines),
    (select coalesce(sum(amount), 0)::varchar from billing.fct_invoices),
    (select string_agg(period || ' ' || state, ', ' order by period) from billing.fct_periods),
    (select count(*)::varchar from usage.fct_daily_active_relationships)
"""


def main(published: Path, stop: Path, report: Path) -> None:
    seen: list[list[str]] = []
    failures: list[str] = []
    times = 0
    while not stop.exists():
        times += 1
        try:
            with duckdb.connect(str(published), read_only=True) as connection:
                rows = [list(row) for row in connection.execute(QUESTION).fetchall()]
                seen += [row for row in rows if row not in seen]
        except duckdb.Error as error:
            failures.append(str(error))
        time.sleep(0.03)
    report.write_text(json.dumps({"times": times, "seen": seen, "failures": failures}))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
