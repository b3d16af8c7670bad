"""The stories that the chosen tests ask for, played once a session, two at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import demo
from end_to_end import story_arrival, story_demo, story_disk, story_gates, story_hostile, story_killed, story_private
from end_to_end.commands import Lab

# A command keeps a core busy; beside another process of tests there is one core for the stories.
AT_ONCE = 1 if "PYTEST_XDIST_WORKER" in os.environ else 2


class Stage:
    """Where stories are played: each begins as soon as one of the two places is free, in the order given."""

    def __init__(self, folder: Path, wanted: list[str]) -> None:
        self.lab = Lab(folder)
        self.project = self.lab.project("project")
        self.shared = story_demo.Shared()
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._stories: dict[str, Future[Any]] = {name: self._pool.submit(self._play, name) for name in wanted}

    def _play(self, name: str) -> Any:
        stories: dict[str, Callable[[], Any]] = {
            "demo_story": lambda: story_demo.play(self.lab, self.project, self.shared),
            "gates_story": lambda: story_gates.play(self.lab),
            "private_story": lambda: story_private.play(self.lab, self.project),
            "arrival_story": lambda: story_arrival.play(self.lab, self.project),
            "hostile_story": lambda: story_hostile.play(self.lab),
            "disk_story": lambda: story_disk.play(self.lab, self.project, self.shared),
            "killed_story": lambda: story_killed.play(self.lab, self.project, demo.AS_OF_RUN, self.shared),
        }
        return stories[name]()

    def told(self, name: str) -> Any:
        """What was seen in a story; its error if it could not be played."""
        return self._stories[name].result()

    def close(self) -> None:
        """End what still runs."""
        self.lab.is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for command in self.lab.commands:
            if command.status is None:
                command.kill()
        self._pool.shutdown()


# Balanced between two places.
STORIES = ("demo_story", "gates_story", "killed_story", "private_story", "disk_story", "hostile_story", "arrival_story")
NEEDS = {"killed_story": "demo_story", "arrival_story": "demo_story", "disk_story": "demo_story"}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Stage]:
    asked = {name for item in request.session.items for name in getattr(item, "fixturenames", ()) if name in STORIES}
    asked |= {NEEDS[name] for name in asked if name in NEEDS}
    folder = tmp_path_factory.mktemp("ledgers")
    made = Stage(folder, [name for name in STORIES if name in asked])
    yield made
    made.close()
    if not request.session.testsfailed:
        shutil.rmtree(folder, ignore_errors=True)  # 100 MB a home; after a failure they are evidence


@pytest.fixture(scope="session")
def demo_story(stage: Stage) -> story_demo.Demo:
    return stage.told("demo_story")


@pytest.fixture(scope="session")
def gates_story(stage: Stage) -> story_gates.Gates:
    return stage.told("gates_story")


@pytest.fixture(scope="session")
def private_story(stage: Stage) -> story_private.Private:
    return stage.told("private_story")


@pytest.fixture(scope="session")
def arrival_story(stage: Stage) -> story_arrival.Arrival:
    return stage.told("arrival_story")


@pytest.fixture(scope="session")
def killed_story(stage: Stage) -> story_killed.Killed:
    return stage.told("killed_story")


@pytest.fixture(scope="session")
def disk_story(stage: Stage) -> story_disk.Disk:
    return stage.told("disk_story")


@pytest.fixture(scope="session")
def hostile_story(stage: Stage) -> story_hostile.Hostile:
    return stage.told("hostile_story")
