"""One writer a home: the lock that every run holds for as long as it lives.

What belongs here: who may write LEDGER_HOME now. What does not: anything that a run does.
The kernel gives the lock back when the process ends, however it ends: nothing is left for a person to clear.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.settings import LedgerError, Settings

POLL_SECONDS = 0.2

# Locks that this process holds: path -> how many times. A second open file would wait for the first one's.
_held: dict[Path, int] = {}


@contextmanager
def home_lock(settings: Settings, command: str = "") -> Iterator[None]:
    """Hold LEDGER_HOME/ledger.lock; entering again in the same process is free.

    Raises LedgerError at once when another process holds it, or after LEDGER_LOCK_WAIT seconds if that is set.
    """
    path = settings.home / "ledger.lock"
    if _held.get(path):
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    descriptor = _open(path)
    try:
        _acquire(descriptor, path, _wait_seconds())
        _write_holder(descriptor, command or " ".join(sys.argv))
        _held[path] = 1
        yield
    finally:
        _held.pop(path, None)
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise LedgerError(
            f"{path} cannot be written ({error.strerror}): set LEDGER_HOME to a writable folder."
        ) from error


def _wait_seconds() -> float:
    text = os.environ.get("LEDGER_LOCK_WAIT") or "0"
    try:
        return float(text)
    except ValueError as error:
        raise LedgerError(f"LEDGER_LOCK_WAIT is {text!r}: write a number of seconds.") from error


def _acquire(descriptor: int, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise LedgerError(
                    f"Another run ({_holder(descriptor)}) holds {path}: wait for it to end and try again, "
                    "or set LEDGER_LOCK_WAIT to a number of seconds to wait."
                ) from error
            time.sleep(POLL_SECONDS)


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
    return text or "it has just started"


def _write_holder(descriptor: int, command: str) -> None:
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()}, since {started}, {command[:500]}\n".encode(), 0)
