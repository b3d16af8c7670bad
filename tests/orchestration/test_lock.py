"""One writer a home, whatever happens to it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.lock import home_lock
from orchestration.settings import PROJECT_ROOT, LedgerError, Settings

HOLDER = """
import sys, time
from pathlib import Path
from datetime import UTC, datetime
from orchestration.lock import home_lock
from orchestration.settings import Settings
with home_lock(Settings(home=Path(sys.argv[1]), as_of=datetime.now(UTC)), "make close"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"LEDGER_HOME": str(tmp_path / "home")})


@contextmanager
def other_process(settings: Settings) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.home)], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )
    assert process.stdout and process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_second_run_is_told_who_holds_the_home(settings: Settings) -> None:
    with other_process(settings) as process, pytest.raises(LedgerError) as error, home_lock(settings):
        pass
    assert f"process {process.pid}" in str(error.value)
    assert "make close" in str(error.value)
    assert "try again" in str(error.value)


def test_a_killed_run_leaves_no_lock_behind(settings: Settings) -> None:
    with other_process(settings) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with home_lock(settings):
            pass


def test_a_run_waits_as_long_as_it_was_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_LOCK_WAIT", "0.5")
    started = time.monotonic()
    with other_process(settings), pytest.raises(LedgerError), home_lock(settings):
        pass
    assert time.monotonic() - started >= 0.5
    monkeypatch.setenv("LEDGER_LOCK_WAIT", "soon")
    with pytest.raises(LedgerError, match="number of seconds"), home_lock(settings):
        pass


def test_a_process_may_enter_its_own_lock_again(settings: Settings) -> None:
    with home_lock(settings):
        with home_lock(settings):
            pass
        with pytest.raises(AssertionError):
            _try_in_another_process(settings)
    _try_in_another_process(settings)


def _try_in_another_process(settings: Settings) -> None:
    with other_process(settings):
        pass
