"""How far a load is: files done of files found, records per second. A line every few seconds, and one at the end.

What belongs here: the words and how often they come. What does not: where they are shown (terminal_log, Dagster's log).
"""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS_BETWEEN = 3.0


class LoadProgress:
    """The progress of one feed's load. A small load is one line; one with nothing new says nothing."""

    def __init__(
        self,
        log: Callable[[str], None],
        feed: str,
        found: int,
        new: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.log, self.feed, self.found, self.new, self.clock = log, feed, found, new, clock
        self.started = self.told = clock()

    def tell(self, done: int, records: int, size_bytes: int) -> None:
        """`done` of the new files are loaded, with so many records and bytes in all."""
        now = self.clock()
        if done < self.new and now - self.told < SECONDS_BETWEEN:
            return
        self.told = now
        seconds = max(now - self.started, 0.001)
        self.log(
            f"{self.feed}: {self.found - self.new + done:,} of {self.found:,} files, {records:,} new records "
            f"({records / seconds:,.0f} a second), {size_bytes / 1e6:,.0f} MB, {seconds:.1f} s"
        )
