"""Dagster's own home inside LEDGER_HOME: where its runs, schedules and settings are kept."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance

TEMPLATE = Path(__file__).with_name("dagster.yaml")


def dagster_home(settings: Settings) -> Path:
    """LEDGER_HOME/dagster with the project's dagster.yaml in it (no telemetry, one run at a time)."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    text = TEMPLATE.read_text(encoding="utf-8").replace('"@DAGSTER_HOME@/', json.dumps(f"{home}/")[:-1])
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        temporary = home / f"dagster.yaml.{os.getpid()}"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, target)
    return home


def open_instance(settings: Settings) -> DagsterInstance:
    """The persistent instance, so that runs of the command line show in the UI. The caller disposes of it."""
    from dagster import DagsterInstance

    home = dagster_home(settings)
    os.environ["DAGSTER_HOME"] = str(home)
    return DagsterInstance.from_config(str(home))
