"""When things happen by themselves: two schedules, a look at the landing folder, a word when a run fails.

All are off until a person switches them on in the UI. What does not belong here: what a run does.
"""

import json
import os
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import (
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunConfig,
    RunFailureSensorContext,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    run_failure_sensor,
    schedule,
    sensor,
)

from orchestration.dead_runs import end_dead_runs
from orchestration.event_feeds import FEEDS
from orchestration.feeds import PARTITION_TAG
from orchestration.policy import settling_days
from orchestration.settings import LedgerError, Settings
from orchestration.state import month
from orchestration.unchanged import tree_fingerprint

AssetJob = Any  # what define_asset_job returns; Dagster does not export its class

# The last zone is twelve hours behind UTC: its month has ended when the first of the next month is half over in UTC.
LAST_ZONE_HOURS = 12
CLOSE_HOUR = 13  # UTC, after LAST_ZONE_HOURS
WEBHOOK_SECONDS = 10
LANDING_FOLDERS = (*FEEDS, "reference")


def running_period(instant: datetime) -> str:
    """The month that is running in the last zone: the draft of its last day is made on the first of the next."""
    return month((instant.astimezone(UTC) - timedelta(hours=LAST_ZONE_HOURS)).date())


def period_to_close(instant: datetime, days: int) -> str | None:
    """The month whose last zone's end and settling days passed within the last day; None on other days."""
    today = instant.astimezone(UTC) - timedelta(hours=LAST_ZONE_HOURS)
    settled = today.date() - timedelta(days=days)
    if settled.day != 1:
        return None
    return month(settled - timedelta(days=1))


def _request(period: str, key: str) -> RunRequest:
    return RunRequest(run_key=key, partition_key=period, run_config=RunConfig(), tags={PARTITION_TAG: period})


def build_schedules(monthly_run: AssetJob, monthly_close: AssetJob) -> list[ScheduleDefinition]:
    """The nightly draft of the running month, and the close of a month that has ended and settled; both off."""

    @schedule(
        job=monthly_run,
        name="nightly_draft",
        cron_schedule="0 2 * * *",
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.STOPPED,
        description="Every night: the draft of the running month.",
    )
    def nightly_draft(context: ScheduleEvaluationContext) -> RunRequest:
        return _request(running_period(context.scheduled_execution_time), "")

    @schedule(
        job=monthly_close,
        name="close_of_month",
        cron_schedule=f"0 {CLOSE_HOUR} * * *",
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.STOPPED,
        description="Closes a month once it has ended in the zone of its last site and the settling days have passed.",
    )
    def close_of_month(context: ScheduleEvaluationContext) -> RunRequest | SkipReason:
        days = settling_days(Settings.from_environment())
        period = period_to_close(context.scheduled_execution_time, days)
        if period is None:
            return SkipReason(f"No month ended {days} settling days ago.")
        return _request(period, f"close {period}")

    return [nightly_draft, close_of_month]


def build_sensors(monthly_run: AssetJob, monthly_close: AssetJob) -> list[SensorDefinition]:
    """The look at the landing folder, and the word when a run fails."""

    @sensor(
        job=monthly_run,
        name="new_landing_files",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.STOPPED,
        description="Runs the running month's draft when files in landing have come, changed or gone.",
    )
    def new_landing_files(context: SensorEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        settings = Settings.from_environment()
        fingerprint = tree_fingerprint(settings.landing, LANDING_FOLDERS)
        if fingerprint == context.cursor:
            yield SkipReason("Nothing new in landing.")
            return
        context.update_cursor(fingerprint)
        yield _request(running_period(settings.as_of), fingerprint)

    @run_failure_sensor(
        name="failed_runs",
        monitored_jobs=[monthly_run, monthly_close],
        monitor_all_code_locations=False,
        default_status=DefaultSensorStatus.STOPPED,
        description="Writes a failed run to LEDGER_HOME/logs and, with LEDGER_WEBHOOK_URL, posts it as JSON.",
    )
    def failed_runs(context: RunFailureSensorContext) -> None:
        report_failure(
            Settings.from_environment(),
            job=context.dagster_run.job_name,
            run_id=context.dagster_run.run_id,
            period=context.dagster_run.tags.get(PARTITION_TAG),
            message=context.failure_event.message or "the run failed",
        )

    @sensor(
        name="dead_runs",
        minimum_interval_seconds=30,
        default_status=DefaultSensorStatus.RUNNING,
        description="Ends the record of a command that was killed, so that no run waits behind it.",
    )
    def dead_runs(context: SensorEvaluationContext) -> SkipReason:
        return SkipReason(f"{len(end_dead_runs(context.instance))} runs of killed commands were ended.")

    return [new_landing_files, failed_runs, dead_runs]


def report_failure(settings: Settings, job: str, run_id: str, period: str | None, message: str) -> None:
    """Append a failed run to LEDGER_HOME/logs/failures.jsonl and post the same where LEDGER_WEBHOOK_URL says.

    What is sent names the run and the step's outcome; Dagster's message holds no record's content.
    """
    entry = {"job": job, "run_id": run_id, "period": period, "message": message, "at": datetime.now(UTC).isoformat()}
    line = json.dumps(entry, ensure_ascii=False)
    folder = settings.home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "failures.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    address = os.environ.get("LEDGER_WEBHOOK_URL")
    if not address:
        return
    if not address.startswith(("https://", "http://")):
        raise LedgerError("LEDGER_WEBHOOK_URL is not an http or https address: correct it or leave it empty.")
    request = urllib.request.Request(
        address, data=line.encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):
        pass
