"""Is there anything for a run to do? (`make run` with nothing new)

What a run makes is a function of the files in landing, the policy, the code, the seals, PERIOD and LEDGER_AS_OF
(SPEC C4). Where all of them are as they were, and what the last run made is still there, running again would make
the same once more. Files are known by path, size and time of change, as loading knows them; `make verify` rehashes.
What does not belong here: loading (landing), which skips known files by itself, and Dagster's runs, which always run.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import duckdb

from orchestration.sealing import verify_chain
from orchestration.settings import Settings, connect, pseudonym_fingerprint
from orchestration.state import BUILT, month
from orchestration.versions import code_version, policy_checksums
from orchestration.zones import tzdata_version

DDL = """
create schema if not exists ledger;
create table if not exists ledger.runs (
    run_id varchar not null,
    as_of timestamptz not null,
    inputs varchar not null,        -- fingerprint of what the run was made from, taken before anything was read
    outputs varchar                 -- and of what it made, once all of it was there
);
"""
# A later clock changes nothing as long as it stays in the months that the calendar spans, no record is too far in the
# future or the past, and no promise waits for its time.
CLOCK_MATTERS = """
select
    exists(select 1 from quality.fct_rejected_records where reason = 'implausible_instant')
    or exists(select 1 from support.fct_support_promises where outcome = 'open')
    or $now < $before
    or date_trunc('month', timezone('UTC', $now::timestamptz) + interval 2 day)
        <> date_trunc('month', timezone('UTC', $before::timestamptz) + interval 2 day)
    or date_trunc('month', timezone('UTC', $now::timestamptz) - interval 1 day)
        <> date_trunc('month', timezone('UTC', $before::timestamptz) - interval 1 day)
"""


def tree_fingerprint(root: Path, folders: Iterable[str]) -> str:
    """One hash over path, size and time of change of every file in some folders; no file is opened."""
    digest = hashlib.sha256()
    for top in folders:
        for folder, names_of_folders, names in os.walk(root / top):
            names_of_folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                try:
                    stat = path.lstat()
                except OSError:
                    continue  # taken away in between: the next look sees it
                digest.update(os.fsencode(path.relative_to(root)))
                digest.update(f"\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def begin_run(connection: duckdb.DuckDBPyConnection, settings: Settings, period: date, run_id: str) -> None:
    """Note what a run will be made from. What changes while it runs is then new for the next one."""
    connection.execute(DDL)
    connection.execute("delete from ledger.runs")
    connection.execute(
        "insert into ledger.runs values (?, ?, ?, null)", [run_id, settings.as_of, _inputs(settings, period)]
    )


def finish_run(settings: Settings, period: date, run_id: str) -> None:
    """Note what a run has made, as the last thing that it does; a close has changed its own inputs by then."""
    with connect(settings) as connection:
        connection.execute(DDL)
        connection.execute(
            "update ledger.runs set outputs = ? where run_id = ? and inputs = ?",
            [_outputs(settings), run_id, _inputs(settings, period)],
        )


def finished_run(settings: Settings, period: date) -> str | None:
    """The run that has made everything a run of this period would make now; None where there is something to do.

    The caller holds the lock. LedgerError when the chain of seals is broken.
    """
    if not settings.warehouse.exists():
        return None
    with connect(settings, read_only=True) as connection:
        try:
            row = connection.execute(
                "select runs.run_id, runs.as_of, runs.inputs, runs.outputs from ledger.runs as runs "
                "inner join ledger.state as state on runs.run_id = state.run_id and state.stage = ?",
                [BUILT],
            ).fetchone()
            if row is None or row[2:] != (_inputs(settings, period), _outputs(settings)):
                return None
            return None if _clock_matters(connection, row[1], settings.as_of) else row[0]
        except duckdb.CatalogException:
            return None  # no run has come this far


def _clock_matters(connection: duckdb.DuckDBPyConnection, before: datetime, now: datetime) -> bool:
    if before == now:
        return False
    return bool(connection.execute(CLOCK_MATTERS, {"before": before, "now": now}).fetchall()[0][0])


def _inputs(settings: Settings, period: date) -> str:
    facts = {
        "period": month(period),
        "landing": tree_fingerprint(settings.home, ["landing"]),
        "policy": policy_checksums(settings),
        "code": code_version(settings)["sha256"],
        "tzdata": tzdata_version(),
        "head": verify_chain(settings).head_text,
        "pseudonym_key": pseudonym_fingerprint(settings.pseudonym_key),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _outputs(settings: Settings) -> str:
    return tree_fingerprint(settings.home, ["published", "exports"])
