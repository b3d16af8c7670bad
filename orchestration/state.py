"""How far the warehouse is: so that nothing half-built can be published, whatever was launched alone.

What belongs here: the run's row in raw.run_settings and the stage of the warehouse. What does not: data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.settings import LedgerError, Settings, connect

LOADING, LOADED, BUILDING, BUILT = "loading", "loaded", "building", "built"

DDL = """
create schema if not exists ledger;
create table if not exists ledger.state (
    stage varchar not null,         -- loading, loaded, building, built
    run_id varchar not null         -- the run that brought it there
);
create table if not exists ledger.built (
    project_sha256 varchar not null,    -- of the dbt project that made every model, as it is now, without seeds
    seeds_sha256 varchar not null       -- of the policy files that are in it
);
"""


@dataclass(frozen=True)
class Built:
    """What the whole of the warehouse was made from; kept in it, so that a new warehouse has none."""

    project_sha256: str
    seeds_sha256: str


@dataclass(frozen=True)
class State:
    """The warehouse's stage, who brought it there, and the period it was built for."""

    stage: str | None
    run_id: str | None
    period: date | None


def month(period: date) -> str:
    """A period as people and folders write it, YYYY-MM."""
    return f"{period.year:04d}-{period.month:02d}"


def read_state(connection: duckdb.DuckDBPyConnection) -> State:
    """The present stage; all None for a warehouse that no run has touched."""
    connection.execute(DDL)
    stage = connection.execute("select stage, run_id from ledger.state").fetchone()
    period = connection.execute("select period from raw.run_settings").fetchone()
    return State(*(stage or (None, None)), period[0] if period else None)


def set_stage(connection: duckdb.DuckDBPyConnection, stage: str, run_id: str) -> None:
    """Record the stage in one transaction."""
    connection.execute(DDL)
    connection.begin()
    connection.execute("delete from ledger.state")
    connection.execute("insert into ledger.state values (?, ?)", [stage, run_id])
    connection.commit()


def read_built(connection: duckdb.DuckDBPyConnection) -> Built | None:
    """What made every model of this warehouse; None where a build did not end, or was of one part by other code."""
    connection.execute(DDL)
    row = connection.execute("select project_sha256, seeds_sha256 from ledger.built").fetchone()
    return Built(*row) if row else None


def write_built(connection: duckdb.DuckDBPyConnection, built: Built | None) -> None:
    """Record what made every model; None: from here on nothing is known of it."""
    connection.execute(DDL)
    connection.begin()
    connection.execute("delete from ledger.built")
    if built:
        connection.execute("insert into ledger.built values (?, ?)", [built.project_sha256, built.seeds_sha256])
    connection.commit()


def is_loaded_by_spark(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the events lie in Spark's raw tables alone, and their tables here are empty (spark/loading.py)."""
    return bool(
        connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'ledger' and table_name = 'loaded_by_spark'"
        ).fetchone()
    )


def write_run_settings(
    connection: duckdb.DuckDBPyConnection, settings: Settings, period: date, tzdata_version: str
) -> None:
    """Hand the run's one clock and its period to SQL: the row of raw.run_settings."""
    connection.begin()
    connection.execute("delete from raw.run_settings")
    connection.execute("insert into raw.run_settings values (?, ?, ?)", [settings.as_of, period, tzdata_version])
    connection.commit()


@contextmanager
def loading(settings: Settings, run_id: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for a loading step. From here to the end of the models' build nothing can be published."""
    with connect(settings) as connection:
        set_stage(connection, LOADING, run_id)
        yield connection


def require_built(connection: duckdb.DuckDBPyConnection, period: date) -> None:
    """LedgerError unless the marts are whole and of this period."""
    state = read_state(connection)
    if state.stage != BUILT or state.period is None:
        raise LedgerError(
            f"The models are not built (the warehouse is {state.stage or 'empty'}): "
            f"run `make run PERIOD={month(period)}`, or the job monthly_run, which builds everything in order."
        )
    if state.period != period:
        raise LedgerError(
            f"The warehouse holds the run of {month(state.period)}, not of {month(period)}: "
            f"run `make run PERIOD={month(period)}`, or the job monthly_run for that partition."
        )
