"""How far a run is: few words for a small load, a line every few seconds for a large one, one line on a terminal."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from orchestration.progress import SECONDS_BETWEEN, LoadProgress
from orchestration.terminal_log import StepLines


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_small_load_is_one_line_with_files_and_rows_per_second() -> None:
    clock, lines = Clock(), []
    progress = LoadProgress(lines.append, "messaging_interactions", 1_005, 5, clock)
    for done in range(1, 6):
        clock.now += 0.5
        progress.tell(done, done * 1_000, done * 2_000_000)
    assert lines == [
        "messaging_interactions: 1,005 of 1,005 files, 5,000 new records (2,000 a second), 10 MB, 2.5 s",
    ]


def test_a_large_load_says_so_every_few_seconds() -> None:
    clock, lines = Clock(), []
    progress = LoadProgress(lines.append, "messaging_interactions", 100, 100, clock)
    for done in range(1, 101):
        clock.now += 1.0
        progress.tell(done, done, done)
    assert 100 / SECONDS_BETWEEN / 1.5 < len(lines) <= 100 / SECONDS_BETWEEN + 1
    assert lines[0].startswith("messaging_interactions: 3 of 100 files") and "100 of 100 files" in lines[-1]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_a_terminal_has_one_line_that_moves_and_a_file_a_line_each(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    handler = StepLines()
    for message in (
        "messaging_interactions: 1 of 2 files, 10 new records (5 a second), 0 MB, 2.0 s",
        "messaging_interactions: 2 of 2 files, 20 new records (5 a second), 0 MB, 4.0 s",
        "1 of 530  staging.stg_messages  0.10 s",
        "2 of 530  staging.stg_users  0.10 s",
        "Gate 1 passed",
        "3 of 530  usage.dars  0.10 s",
    ):
        handler.emit(logging.makeLogRecord({"msg": message, "levelno": logging.INFO}))
    StepLines.end_line()
    text = stream.getvalue()
    assert text.endswith("\n") and text.count("\n") == (4 if stream.isatty() else 6)
    kept = [line.rsplit("\r\x1b[2K", 1)[-1].strip() for line in text.splitlines()]
    assert "2 of 2 files" in " ".join(kept) and "Gate 1 passed" in kept
    assert ("1 of 530  staging.stg_messages  0.10 s" in kept) != stream.isatty()
