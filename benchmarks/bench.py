"""One benchmark run: what was asked for, where it works, and what it has found.

What belongs here: sizes, the month's home, figures as they come. What does not: how a piece is measured (measure) and
how figures are shown (report).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.homes import Home
from benchmarks.measure import Median
from benchmarks.payload import Writer
from benchmarks.shape import DAYS, MESSAGES_A_CONVERSATION, Month

TINY = DAYS * MESSAGES_A_CONVERSATION
WHOLE_PROCESS = {"peer_ratio"}  # from start to end of the process; else what the pieces say of their own work
PAGES_SHARE = 4  # the .json pages hold a quarter of the messages


@dataclass
class Bench:
    """A run of the benchmark: sizes and scratch folder, and the figures so far."""

    messages: int
    folder: Path
    repeat: int = 3
    growth: int | None = None
    ratios: dict[str, float] = field(default_factory=dict)
    by_processor: dict[str, float] = field(default_factory=dict)
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
        """A home with a month as .jsonl files."""
        home = Home(self.folder / name)
        self.say(f"writing {month.messages:,} messages as .jsonl")
        writer = Writer(month, home.landing)
        writer.lines(range(DAYS))
        writer.others()
        writer.close()
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
        return self.load_once(self.lines_home("tiny", Month(TINY)))

    @cached_property
    def loaded(self) -> Home:
        """The month's home with its loaded warehouse kept as `loaded`."""
        return self.load_once(self.home)

    def load_once(self, home: Home) -> Home:
        """Load a home and keep its warehouse as `loaded`; dbt's project is parsed then too."""
        self.say(f"loading {home.path.name}")
        home.loaded_anew()
        home.keep("loaded")
        home.piece("parse")
        return home

    def conclude(self, found: Mapping[str, Median], name: str, over: Sequence[str], under: Sequence[str]) -> None:
        """Note a ratio: the medians of some pieces, one after the other, over those of others; by processor too."""
        for ratios, kind in (
            (self.ratios, "process_seconds" if name in WHOLE_PROCESS else "seconds"),
            (self.by_processor, "processor_seconds"),
        ):
            above, below = (sum(getattr(found[piece], kind) for piece in pieces) for pieces in (over, under))
            ratios[name] = above / below

    def record(self, medians: dict[str, Median]) -> None:
        """Keep the pieces' figures for bench.json."""
        for name, median in medians.items():
            self.pieces[name] = {**median.figures(), **median.answer}
