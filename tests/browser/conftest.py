"""One browser for all tests here, and the pages and the server they look at."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from end_to_end.stage import Stage
from end_to_end.story_demo import LATER, Demo

from browser.chromium import PATIENCE, Browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    made = Browser()
    yield made
    made.close()


@dataclass(frozen=True)
class Server:
    """Dagster as `make ui` starts it, over a home that both months of the demo are closed in."""

    address: str
    home: Path


@pytest.fixture(scope="session")
def server(stage: Stage, demo_story: Demo, browser: Browser) -> Iterator[Server]:
    home = stage.lab.folder / "ui"
    shutil.copytree(demo_story.home.folder, home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = stage.lab.environment() | {"LEDGER_HOME": str(home), **LATER}
    with (stage.lab.folder / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration", "ui", "--port", str(port)],
            cwd=stage.project, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        browser.until("the server", lambda: _answers(address, process))
        yield Server(address, home)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise AssertionError(f"make ui ended with {process.returncode}")
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
