"""The demo's files in another order: the events of the later names first, the reference last, nothing closed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import demo
from end_to_end.commands import Answer, Home, Lab
from end_to_end.story_demo import DRAFTED


@dataclass
class Arrival:
    """A run over half of the files, and one over all."""

    home: Home
    half: Answer
    is_published_by_half: bool
    whole: Answer


def play(lab: Lab, project: Path) -> Arrival:
    """The whole story."""
    source = lab.folder / "arrivals"
    demo.write_landing(source)
    demo.write_late(source)
    home = lab.home("arrival", project, LEDGER_AS_OF=demo.AS_OF_RUN)
    events = sorted(path for path in source.rglob("*") if path.is_file() and path.parent.name != "reference")
    _move(events[len(events) // 2 :], source, home.landing)
    half = home.run("run", "--period", DRAFTED)
    is_published = home.published.exists()
    _move([path for path in sorted(source.rglob("*")) if path.is_file()], source, home.landing)
    return Arrival(home, half, is_published, home.run("run", "--period", DRAFTED))


def _move(paths: list[Path], source: Path, target: Path) -> None:
    for path in reversed(paths):
        place = target / path.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, place)
