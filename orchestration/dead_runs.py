"""Runs whose process was killed: Dagster would call them started for ever, and queue every later run behind them.

What belongs here: telling that a command's process is gone, and ending its record. What does not: the lock on the home,
which the kernel gives back by itself. Runs launched in the UI are ended by Dagster's own server.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

PROCESS_TAG = "ledger/process"


def process_tag() -> str:
    """This process as a tag of the runs that it executes: its id, and when it started if the kernel tells."""
    return f"{os.getpid()} {_started(os.getpid())}".strip()


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark the runs of commands that are gone as failed, and return their ids."""
    from dagster import DagsterRunStatus, RunsFilter

    ended = []
    for run in instance.get_runs(filters=RunsFilter(statuses=[DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])):
        tag = run.tags.get(PROCESS_TAG)
        if tag and not _is_alive(tag):
            instance.report_run_failed(
                run, "The command that made this run was killed. Nothing is half-written: run it again."
            )
            ended.append(run.run_id)
    return ended


def _is_alive(tag: str) -> bool:
    process, _, started = tag.partition(" ")
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError):
        return True
    return not started or _started(int(process)) in ("", started)


def _started(process: int) -> str:
    """When a process started, in the kernel's ticks since boot: ids are used again."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
