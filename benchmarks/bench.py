"""One benchmark run: what was asked for, where it works, and what it has found.

What belongs here: sizes, the month's home, figures as they come. What does not: how a piece is measured (measure) and
how figures are shown (report).
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.homes import Home
from benchmarks.measure import Median
from benchmarks.payload import Writer
from benchmarks.shape import DAYS, MESSAGES_A_CONVERSATION, Month

TINY = DAYS * MESSAGES_A_CONVERSATION
PAGES_SHARE = 4  # the .json pages hold a quarter of the messages


@dataclass
class Bench:
    """A run of the benchmark: sizes and scratch folder, and the figures so far."""

    messages: int
    folder: Path
    repeat: int = 3
    growth: int | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    pieces: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Tell who waits what is going on."""
        print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)

    @cached_property
    def month(self) -> Month:
        """The month that is billed."""
        return Month(self.messages)

    @cached_property
    def home(self) -> Home:
        """The month as .jsonl files."""
        return self.lines_home("month", self.month)

    def lines_home(self, name: str, month: Month) -> Home:
        """A home with a month as .jsonl files, and dbt's project parsed."""
        home = Home(self.folder / name)
        self.say(f"writing {month.messages:,} messages as .jsonl")
        writer = Writer(month, home.landing)
        writer.lines(range(DAYS))
        writer.others()
        writer.close()
        home.piece("parse")
        return home

    @cached_property
    def pages(self) -> Home:
        """A quarter of it as .json pages."""
        month = Month(max(self.messages // PAGES_SHARE, TINY))
        home = Home(self.folder / "pages")
        self.say(f"writing {month.messages:,} messages as .json pages")
        writer = Writer(month, home.landing)
        writer.pages(range(DAYS))
        writer.others()
        writer.close()
        return home

    @cached_property
    def tiny(self) -> Home:
        """The same sites and contracts with a conversation a day: what is left of a build is its fixed cost."""
        home = self.lines_home("tiny", Month(TINY))
        home.loaded_anew()
        home.keep("loaded")
        return home

    @cached_property
    def loaded(self) -> Home:
        """The month's home with its loaded warehouse kept as `loaded`."""
        if not (self.home.path / "loaded.duckdb").exists():
            self.home.loaded_anew()
            self.home.keep("loaded")
        return self.home

    def record(self, medians: dict[str, Median]) -> None:
        """Keep the pieces' figures for bench.json."""
        for name, median in medians.items():
            self.pieces[name] = {**median.figures(), **median.answer}
