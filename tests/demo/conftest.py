"""The demo's landing folder, written once for all its tests."""

from pathlib import Path

import pytest

import demo


@pytest.fixture(scope="session")
def demo_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with everything, the late file too."""
    folder = tmp_path_factory.mktemp("demo") / "landing"
    demo.write_landing(folder)
    demo.write_late(folder)
    return folder
