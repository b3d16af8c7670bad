"""How long the property tests search (HYPOTHESIS_PROFILE=ci, the default, or torture), and the stories for all."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).resolve().parent
for folder in (TESTS, TESTS.parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# The stories of end_to_end are played once a session, whoever asks for them; the folders must be on the path first.
from end_to_end.stage import (  # noqa: E402, F401
    arrival_story,
    demo_story,
    disk_story,
    gates_story,
    hostile_story,
    killed_story,
    private_story,
    stage,
)

# An example here runs SQL: slow by nature, and timing never decides. Tests that state their own number keep it.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("ci", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("torture", max_examples=2000, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Folders whose tests share what takes long to make: one of the two processes of `make test` takes all of a folder.
TOGETHER = {"browser": "stories", "end_to_end": "stories", "zones": "zones", "trust": "trust"}
LONGEST = ("stories", "trust", "zones", "test_bench", "test_closing_properties")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first: then both processes end at about the same time."""
    places = {group: place for place, group in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(_group(item.nodeid), len(LONGEST)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Which tests go to one process; xdist's own marks for that are lost on this pytest."""

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Scheduling(config, log)


def _group(nodeid: str) -> str:
    path = Path(nodeid.split("::")[0])
    return TOGETHER.get(path.parts[1], path.stem)
