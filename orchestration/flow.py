"""One run from the command line: the same Dagster job as in the UI, in this process, recorded in the same instance.

What belongs here: starting a job and explaining how it ended. What does not: arguments (__main__), steps (definitions).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.dead_runs import PROCESS_TAG, end_dead_runs, process_tag
from orchestration.lock import home_lock
from orchestration.settings import LedgerError, Settings, connect
from orchestration.state import month
from orchestration.terminal import BOLD, RED, paint
from orchestration.troubles import sentence

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult

MONTHLY_RUN, MONTHLY_CLOSE = "monthly_run", "monthly_close"
QUERIES_SHOWN = 5


@dataclass(frozen=True)
class Outcome:
    """A run that ended well."""

    run_id: str
    seconds: float


def run_job(settings: Settings, job_name: str, period: date, config: dict[str, Any] | None = None) -> Outcome:
    """Run a job for a period. Raises LedgerError with the reason in one sentence when it fails."""
    started = time.monotonic()
    with home_lock(settings):
        result = _execute(settings, job_name, period, config or {})
    if not result.success:
        with contextlib.suppress(LedgerError, OSError, duckdb.Error):  # the reason itself is told below
            _show_failed_gate(settings, result.run_id)
        raise LedgerError(_reason(settings, result))
    return Outcome(result.run_id, time.monotonic() - started)


def close_config(by: str, draft: str) -> dict[str, Any]:
    """The run's configuration that says who closes and which draft was reviewed."""
    return {"ops": {"closed_period": {"config": {"by": by, "draft": draft}}}}


def _execute(settings: Settings, job_name: str, period: date, config: dict[str, Any]) -> ExecuteInProcessResult:
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
    os.environ["LEDGER_HOME"] = str(settings.home)
    from orchestration.instance import open_instance

    with open_instance(settings) as instance:
        end_dead_runs(instance)
        from orchestration.definitions import defs
        from orchestration.feeds import PARTITION_TAG
        from orchestration.terminal_log import StepLines

        try:
            return defs.resolve_job_def(job_name).execute_in_process(
                instance=instance,
                run_config={
                    "loggers": {"console": {}},
                    "resources": {"ledger": {"config": {"as_of": settings.as_of.isoformat()}}},
                    **config,
                },
                tags={PARTITION_TAG: month(period), PROCESS_TAG: process_tag()},
                raise_on_error=False,
            )
        finally:
            StepLines.end_line()


def _reason(settings: Settings, result: ExecuteInProcessResult) -> str:
    """Why a run failed: the sentence of a LedgerError or of a Failure; for anything else the error and its place."""
    failures = [
        event for event in result.all_events if event.is_step_failure or event.is_run_failure or event.is_failure
    ]
    for event in failures:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        user_failure = getattr(data, "user_failure_data", None)
        if user_failure is not None and user_failure.description:
            return sentence(settings, user_failure.description) or user_failure.description
        while error is not None:
            if error.cls_name == "LedgerError":
                return error.message.split(": ", 1)[-1].strip()
            if error.cause is None:
                break
            error = error.cause
        trouble = next((found for text in _texts(error) if (found := sentence(settings, text))), None)
        if trouble:
            return trouble
        if error is not None:
            place = [line.strip().splitlines()[0] for line in error.stack or [] if "orchestration" in line]
            where = f" ({place[-1]})" if place else ""
            step = f"the step {event.step_key}" if event.step_key else "the run"
            return (
                f"{step} failed: {' '.join(error.message.split())}{where}. This is a defect: "
                f"see the run {result.run_id} in `make ui`."
            )
    return f"The run {result.run_id} failed; `make ui` shows why."


def _texts(error: Any) -> Iterator[str]:
    while error is not None:
        yield f"{error.cls_name}: {error.message}"
        error = error.cause


def _show_failed_gate(settings: Settings, run_id: str) -> None:
    """For each failed expectation of the run: the table, how many rows, and the query that shows them."""
    with connect(settings) as connection:
        try:
            rows = connection.execute(
                "select expectation, table_name, failing_count, problem, query, notes from quality.gate_results "
                "where run_id = ? and severity = 'critical' and not success",
                [run_id],
            ).fetchall()
        except Exception:  # no gate has ever been judged
            return
    for expectation, table, failing, problem, query, notes in rows[:QUERIES_SHOWN]:
        what = problem or ("1 row" if failing == 1 else f"{failing:,} rows")
        print(paint(f"\n{expectation} on {table}: {what}", RED, sys.stderr), file=sys.stderr)
        print(
            f"{notes}\n{paint('The rows', BOLD, sys.stderr)} (duckdb {settings.warehouse}):\n{query}", file=sys.stderr
        )
    if len(rows) > QUERIES_SHOWN:
        print(f"\nand {len(rows) - QUERIES_SHOWN} more in quality.gate_results", file=sys.stderr)
