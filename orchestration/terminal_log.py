"""Dagster's console logger for people: what the steps say, without Dagster's own events and stack traces."""

import logging
import os
import re
import shutil
import sys

from dagster import InitLoggerContext, logger

from orchestration.terminal import DIM, RED, YELLOW, paint, plain

COLOURS = {logging.WARNING: YELLOW, logging.ERROR: RED, logging.CRITICAL: RED}

CONSEQUENCE = "Dependencies for step "  # a step that does not run because one before it failed
# How far something is: files of a load, models of a build. On a terminal each replaces the one before it.
PROGRESS = re.compile(r"(?:\w+: )?([\d,]+) of ([\d,]+) (?: |files)")


class StepLines(logging.Handler):
    """A line for each message of a step, without Dagster's events and failures: the command explains those."""

    is_open = False  # the cursor stands behind a line of progress

    @classmethod
    def end_line(cls) -> None:
        """Leave the last line of progress where it is and begin a new one."""
        if cls.is_open:
            print(file=sys.stderr, flush=True)
        StepLines.is_open = False

    def emit(self, record: logging.LogRecord) -> None:
        details = getattr(record, "dagster_meta", None) or {}
        message = str(details.get("orig_message") or record.getMessage())
        if details.get("dagster_event") is not None or message.startswith(CONSEQUENCE):
            return
        step = (details.get("step_key") or "").removeprefix("raw__").split("[")[0]
        message = plain(message)
        colour = COLOURS.get(record.levelno)
        progress = PROGRESS.match(message)
        if progress and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            width = max(shutil.get_terminal_size().columns - len(step.ljust(20)) - 2, 20)
            line = f"{paint(step.ljust(20), DIM, sys.stderr)} {message[:width]}"
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
            StepLines.is_open = True
            if progress[1] == progress[2]:
                self.end_line()
            return
        self.end_line()
        line = f"{paint(step.ljust(20), DIM, sys.stderr)} {paint(message, colour, sys.stderr) if colour else message}"
        print(line, file=sys.stderr, flush=True)


@logger(config_schema={}, description="One line for each message of a step.")
def terminal_logger(_: InitLoggerContext) -> logging.Logger:
    """The logger `console` of every job."""
    lines = logging.Logger("ledger", level=logging.INFO)
    lines.addHandler(StepLines())
    return lines
