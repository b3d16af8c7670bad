"""The event log that keeps its connections: a page that follows a run hears of every event at once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from dagster._core.events.log import EventLogEntry

from orchestration.event_log import OpenEventLogStorage

RUN = "0b1c5a62-9a8f-4a86-a3c2-2f0f4f3a6a51"
PATIENCE = 20.0


def said(words: str) -> EventLogEntry:
    return EventLogEntry(
        error_info=None, level="info", user_message=words, run_id=RUN, timestamp=time.time(), job_name="job"
    )


def test_whoever_watches_a_run_hears_of_events_while_the_writer_keeps_its_connection(tmp_path: Path) -> None:
    writer, reader = OpenEventLogStorage(str(tmp_path)), OpenEventLogStorage(str(tmp_path))
    heard: list[str] = []
    is_there = threading.Event()

    def hear(entry: EventLogEntry, _: str) -> None:
        heard.append(entry.user_message)
        if entry.user_message == "third":
            is_there.set()

    try:
        writer.store_event(said("first"))
        cursor = reader.get_records_for_run(RUN).cursor
        reader.watch(RUN, cursor, hear)
        writer.store_event(said("second"))
        writer.store_event(said("third"))
        assert is_there.wait(PATIENCE), heard
        assert heard == ["second", "third"]
    finally:
        reader.end_watch(RUN, hear)
        reader.dispose()
        writer.dispose()
