"""`make demo`: from sample landing files to a closed month and a draft, by the same job as production."""

from __future__ import annotations

from dataclasses import replace

import demo
from orchestration.flow import MONTHLY_CLOSE, MONTHLY_RUN, close_config, run_job
from orchestration.publication import published_file
from orchestration.sealing import verify_chain
from orchestration.settings import Settings, parse_as_of, parse_period
from orchestration.summary import invoice_table
from orchestration.terminal import BOLD, GREEN, paint, table

CLOSED_BY = "demo"
QUERY = (
    "select activity_date, composition, count(*) as dars from usage.fct_daily_active_relationships "
    "group by all order by all"
)


def run_demo(settings: Settings) -> str:
    """Write the sample files, close the first period, bring the late file, draft the second; ends the same every time.

    Raises LedgerError when the landing folder holds files that the demo did not write.
    """
    first, second = (parse_period(period) for period in demo.PERIODS)
    demo.write_landing(settings.landing)
    # A second demo finds the first period closed: closing again would only say so.
    if all(seal.period != first for seal in verify_chain(settings).seals):
        at_close = replace(settings, as_of=parse_as_of(demo.AS_OF_CLOSE))
        closed = run_job(at_close, MONTHLY_CLOSE, first, close_config(CLOSED_BY, ""))
        print(f"{demo.PERIODS[0]} is closed ({closed.seconds:.0f} s).", flush=True)
    demo.write_late(settings.landing)
    drafted = run_job(replace(settings, as_of=parse_as_of(demo.AS_OF_RUN)), MONTHLY_RUN, second)
    print(f"{demo.PERIODS[1]} is drafted ({drafted.seconds:.0f} s).\n", flush=True)
    places = [
        ("published file", published_file(settings)),
        *(("report", path) for path in sorted(settings.exports.glob("*/report*.html"))),
        ("exports", settings.exports),
        ("seals", settings.sealed),
        ("gate report", settings.home / "data_docs" / "index.html"),
        ("landing files", settings.landing),
    ]
    following = [
        ("make ui", "the graph, checks and runs in Dagster"),
        ("make verify", "prove the seal"),
        (f"make close PERIOD={demo.PERIODS[1]}", f"with LEDGER_AS_OF={demo.PERIODS[1][:4]}-05-20T12:00:00Z"),
        (f'duckdb {published_file(settings)} -c "{QUERY}"', "relationships a day, by composition"),
    ]
    return "\n".join(
        [
            invoice_table(settings), "",
            table(["what", "where"], places), "",
            paint("Next", BOLD), *(f"  {command}\n      {what}" for command, what in following), "",
            paint("The demo is ready.", GREEN),
        ]
    )  # fmt: skip
