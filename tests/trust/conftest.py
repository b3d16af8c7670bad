"""One scratch warehouse for all of these tests: dbt compiles once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from models.runner import Scratch


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()
