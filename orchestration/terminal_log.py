"""Dagster's console logger for people: what the steps say, without Dagster's own events and stack traces."""

import logging
import sys

from dagster import InitLoggerContext, logger

from orchestration.terminal import DIM, RED, YELLOW, paint, plain

COLOURS = {logging.WARNING: YELLOW, logging.ERROR: RED, logging.CRITICAL: RED}

CONSEQUENCE = "Dependencies for step "  # a step that does not run because one before it failed


class StepLines(logging.Handler):
    """A line for each message of a step, without Dagster's events and failures: the command explains those."""

    def emit(self, record: logging.LogRecord) -> None:
        details = getattr(record, "dagster_meta", None) or {}
        message = str(details.get("orig_message") or record.getMessage())
        if details.get("dagster_event") is not None or message.startswith(CONSEQUENCE):
            return
        step = (details.get("step_key") or "").removeprefix("raw__").split("[")[0]
        message = plain(message)
        colour = COLOURS.get(record.levelno)
        line = f"{paint(step.ljust(20), DIM, sys.stderr)} {paint(message, colour, sys.stderr) if colour else message}"
        print(line, file=sys.stderr, flush=True)


@logger(config_schema={}, description="One line for each message of a step.")
def terminal_logger(_: InitLoggerContext) -> logging.Logger:
    """The logger `console` of every job."""
    lines = logging.Logger("ledger", level=logging.INFO)
    lines.addHandler(StepLines())
    return lines
