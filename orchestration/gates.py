"""The two doors: may this come in, may this go out? (SPEC C5)

What belongs here: computing a suite's control totals in DuckDB, having Great Expectations judge them, keeping and
explaining the answer. What does not: the expectations themselves (expectations/) and Dagster (checks).
A gate that cannot run has failed: every way out of `run_gate` but a whole set of successes is a failure.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import LedgerError, Settings
from orchestration.spark.layout import events_of
from orchestration.state import is_loaded_by_spark, month
from orchestration.suites import CRITICAL, WARNING, Control, PublishedTable, Suite, read_suite

RESULTS_DDL = """
create schema if not exists quality;
create table if not exists quality.gate_results (
    run_id varchar not null,
    gate varchar not null,              -- the door: loaded, outgoing
    period date not null,
    expectation varchar not null,       -- the control it judges
    expectation_type varchar not null,  -- in Great Expectations' words
    table_name varchar not null,
    severity varchar not null,          -- critical stops, warning and info do not
    success boolean not null,
    observed varchar,
    failing_count bigint,               -- rows that the query lists
    problem varchar,                    -- why it could not be judged
    query varchar not null,             -- shows the failing rows
    notes varchar not null
);
"""
RUNS_KEPT = 100


@dataclass(frozen=True)
class Result:
    """One expectation's answer. `failing` is the number of rows that `query` lists."""

    expectation: str
    expectation_type: str
    table: str
    severity: str
    success: bool
    observed: str | None
    failing: int | None
    problem: str | None
    query: str
    notes: str

    def sentence(self) -> str:
        """The failure for a person: what, where, how many."""
        if self.problem:
            return f"{self.expectation} on {self.table} could not be judged: {self.problem}"
        many = f"{self.failing:,} rows" if self.failing != 1 else "1 row"
        return f"{self.expectation} on {self.table}: {many}"


@dataclass(frozen=True)
class Gate:
    """A door's answer for a run."""

    door: str
    period: date
    run_id: str
    results: Sequence[Result]

    @property
    def passed(self) -> bool:
        """Whether everything critical was judged and found right. No result is no pass."""
        return bool(self.results) and not self.failures

    @property
    def failures(self) -> list[Result]:
        return [result for result in self.results if result.severity == CRITICAL and not result.success]

    @property
    def warnings(self) -> list[Result]:
        return [result for result in self.results if result.severity == WARNING and not result.success]

    def message(self) -> str:
        """One sentence naming what failed and what to do."""
        if not self.results:
            return f"The gate `{self.door}` judged nothing, so it has failed: nothing was published."
        first, more = self.failures[0], len(self.failures) - 1
        also = f" and {more} more" if more else ""
        return (
            f"The gate `{self.door}` of {month(self.period)} failed, nothing was published: {first.sentence()}{also}. "
            f"{first.notes} See the rows with the query above, correct the files or policy rows, and run again."
        )


def run_gate(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    door: str,
    period: date,
    run_id: str,
    tables: list[PublishedTable],
) -> Gate:
    """Judge a door and keep the answer in quality.gate_results and LEDGER_HOME/data_docs.

    Never raises for what it finds. Raises LedgerError when there is no usable suite or it cannot be judged at all.
    """
    suite = read_suite(settings, door, tables)
    connection.execute(RESULTS_DDL)
    connection.execute("delete from quality.gate_results where run_id = ? and gate = ?", [run_id, door])
    _register_published(connection, tables)
    try:
        figures = {control.column: _figure(connection, settings, control) for control in suite.controls}
        parameters = {name: _scalar(connection, _place(settings, sql)) for name, sql in suite.parameters.items()}
        results = _judge(settings, suite, figures, parameters, f"{month(period)} {door}")
    except LedgerError:
        raise
    except Exception as error:
        raise LedgerError(
            f"The gate `{door}` could not run ({type(error).__name__}: {error}): it has failed, nothing was published."
        ) from error
    gate = Gate(door, period, run_id, results)
    _keep(connection, gate)
    if door == "outgoing" and not gate.passed:
        _mark_periods(connection, period)
    return gate


def passed_in_run(connection: duckdb.DuckDBPyConnection, door: str, period: date, run_id: str) -> bool:
    """Whether this very run has judged this door for this period and found everything critical right."""
    connection.execute(RESULTS_DDL)
    row = connection.execute(
        "select count(*), count(*) filter (severity = 'critical' and not success) from quality.gate_results "
        "where run_id = ? and gate = ? and period = ?",
        [run_id, door, period],
    ).fetchone()
    return bool(row and row[0] and not row[1])


def forget(connection: duckdb.DuckDBPyConnection, door: str, run_id: str) -> None:
    """Take back a run's answer of a door, because what it judged has changed since (after sealing)."""
    connection.execute(RESULTS_DDL)
    connection.execute("delete from quality.gate_results where run_id = ? and gate = ?", [run_id, door])


def data_docs(settings: Settings) -> Path:
    """The start page of Great Expectations' own report of the last gates."""
    return settings.home / "data_docs" / "index.html"


# --- Control totals ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Figure:
    value: int | float | None
    failing: int | None
    problem: str | None
    query: str


def _place(settings: Settings, sql: str) -> str:
    """A suite's SQL with the folder of the policy rows in it."""
    return sql.replace("{policy}", str(settings.policy).replace("'", "''"))


def _scalar(connection: duckdb.DuckDBPyConnection, sql: str) -> int | float | None:
    row = connection.execute(sql).fetchone()
    value = row[0] if row else None
    return float(value) if isinstance(value, Decimal) else value


def _figure(connection: duckdb.DuckDBPyConnection, settings: Settings, control: Control) -> _Figure:
    """A control's figure; what the database refuses to compute is a problem, which fails the gate."""
    query = _place(settings, control.rows)
    try:
        if events_of(control.rows) and is_loaded_by_spark(connection):
            return _figure_of_spark(connection, control, query)
        failing = int(_scalar(connection, f"select count(*) from (\n{query}\n) as failing") or 0)
        value = _scalar(connection, _place(settings, control.value)) if control.value else failing
    except duckdb.Error as error:
        return _Figure(None, None, " ".join(str(error).split()), query)
    return _Figure(value, failing, None if value is not None else "its control total is null", query)


def _figure_of_spark(connection: duckdb.DuckDBPyConnection, control: Control, query: str) -> _Figure:
    """What Spark's loader counted over event tables, which are empty here; what it did not count is a problem."""
    row = connection.execute("select failing from ledger.loaded_by_spark where control = ?", [control.name]).fetchone()
    if row is None:
        return _Figure(None, None, "Spark's loader has not counted it: load again", query)
    return _Figure(row[0], row[0], None, f"-- on Spark, over its raw tables\n{query}")


def _register_published(connection: duckdb.DuckDBPyConnection, tables: list[PublishedTable]) -> None:
    """What dbt's manifest promises of the published tables, as rows that controls can compare with the database."""
    connection.execute(
        "create or replace temp table published_tables (table_name varchar, description varchar, has_key boolean)"
    )
    connection.execute(
        "create or replace temp table published_columns (table_name varchar, column_name varchar, description varchar)"
    )
    if tables:
        connection.executemany(
            "insert into published_tables values (?, ?, ?)",
            [[table.table, table.description.strip(), bool(table.key)] for table in tables],
        )
        connection.executemany(
            "insert into published_columns values (?, ?, ?)",
            [[table.table, name, text.strip()] for table in tables for name, text in table.columns.items()],
        )


# --- Great Expectations --------------------------------------------------------------------------------------------


@cache
def _context(docs_folder: str) -> Any:
    """An ephemeral context (its import takes seconds: here and nowhere else), one a process and home."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for site, config in dict(context.variables.data_docs_sites or {}).items():
        # The ephemeral context comes with a site of its own in the machine's temporary folder.
        folder = config["store_backend"].get("base_directory")
        context.delete_data_docs_site(site)
        if folder and Path(folder).is_relative_to(tempfile.gettempdir()):
            shutil.rmtree(folder, ignore_errors=True)
    context.add_data_docs_site(
        site_name="gates",
        site_config={
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": docs_folder},
        },
    )
    return context


def _judge(
    settings: Settings, suite: Suite, figures: Mapping[str, _Figure], parameters: Mapping[str, Any], name: str
) -> list[Result]:
    """Great Expectations' answers, one for every expectation of the suite, or an exception."""
    import pandas

    context = _context(str(data_docs(settings).parent))
    import great_expectations as gx

    # Objects, so that whole numbers stay whole and Data Docs can write them down.
    frame = pandas.DataFrame({column: [figure.value] for column, figure in figures.items()}, dtype=object)
    judged = context.suites.add_or_update(
        gx.ExpectationSuite(name=suite.name, expectations=[entry.configuration() for entry in suite.expectations])
    )
    source = context.data_sources.add_or_update_pandas("ledger")
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("control totals")
    validation = context.validation_definitions.add_or_update(
        gx.ValidationDefinition(name=name, data=batch, suite=judged)
    )
    answer = validation.run(batch_parameters={"dataframe": frame}, expectation_parameters=dict(parameters))
    context.build_data_docs(site_names=["gates"])

    answers = {
        (entry.expectation_config.meta["control"], entry.expectation_config.type): entry for entry in answer.results
    }
    if len(answer.results) != len(suite.expectations) or len(answers) != len(suite.expectations):
        raise LedgerError(
            f"The gate `{suite.name}` has failed: Great Expectations judged {len(answers)} of its "
            f"{len(suite.expectations)} expectations. Correct its suite in expectations/."
        )
    return [
        _result(expectation, figures[expectation.control.column], answers[expectation.control.column, expectation.type])
        for expectation in suite.expectations
    ]


def _result(expectation: Any, figure: _Figure, answer: Any) -> Result:
    problem = figure.problem
    if problem is None and answer.exception_info and not answer.success:
        problem = _exception_message(answer.exception_info)
    observed = None if figure.value is None else str(figure.value)
    return Result(
        expectation=expectation.control.name,
        expectation_type=expectation.type,
        table=expectation.control.table,
        severity=CRITICAL if problem else expectation.severity,  # what cannot be judged stops, whatever it warns of
        success=bool(answer.success) and problem is None,
        observed=observed,
        failing=figure.failing,
        problem=problem,
        query=figure.query,
        notes=expectation.notes,
    )


def _exception_message(info: Mapping[str, Any]) -> str | None:
    """GX gives one exception, or one for each metric."""
    for entry in (info, *(value for value in info.values() if isinstance(value, Mapping))):
        if entry.get("raised_exception"):
            return " ".join(str(entry.get("exception_message") or "it raised an exception").split())
    return None


def _mark_periods(connection: duckdb.DuckDBPyConnection, period: date) -> None:
    """Show the open periods that the gate covers as `gate_failed` in the warehouse; the next build starts afresh."""
    with contextlib.suppress(duckdb.CatalogException):  # the table itself may be what is missing
        connection.execute(
            "update billing.fct_periods set state = 'gate_failed' where state = 'draft' and period <= ?", [period]
        )


# --- Keeping the answer --------------------------------------------------------------------------------------------


def _keep(connection: duckdb.DuckDBPyConnection, gate: Gate) -> None:
    connection.begin()
    connection.executemany(
        "insert into quality.gate_results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                gate.run_id, gate.door, gate.period, result.expectation, result.expectation_type, result.table,
                result.severity, result.success, result.observed, result.failing, result.problem, result.query,
                result.notes,
            ]
            for result in gate.results
        ],
    )  # fmt: skip
    connection.execute(
        f"""
        delete from quality.gate_results where run_id not in (
            select run_id from quality.gate_results group by run_id order by max(rowid) desc limit {RUNS_KEPT})
        """
    )
    connection.commit()
