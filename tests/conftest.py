"""How long the property tests search (HYPOTHESIS_PROFILE=ci, the default, or torture), and the stories for all."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

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

# Folders whose tests share what takes long to make; what asks for a story goes to the process that plays them.
TOGETHER = {"zones", "trust"}


@pytest.hookimpl(tryfirst=True)  # before the marks are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests one process takes (`make test` has two): the stories first, for they take longest."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if "stage" in getattr(item, "fixturenames", ()) or folder in ("browser", "end_to_end"):
            group = "stories"
        else:
            group = folder if folder in TOGETHER else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: next(item.iter_markers("xdist_group")).args[0] != "stories")
