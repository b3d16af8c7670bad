"""The demo's landing folder and seal on a disk that fills up, then with an exports folder that cannot be written.

The disk is a file system in memory of its own where this process may mount one (as root, in most containers). Elsewhere
the largest file that a command may write is bounded, which DuckDB and SQLite meet in the same places, and a file stands
where the exports folder should be.
"""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from trust import often

from end_to_end.commands import Answer, Home, Lab, contents
from end_to_end.story_demo import CLOSED_BY, DRAFTED, LATER, Shared

CLOSE = ("close", "--period", DRAFTED, "--by", CLOSED_BY)
SIZE = 500  # MB
ROOM_LEFT = (1, 24)  # MB: from nothing at all to nearly a warehouse
TIMES = often(1, 12)


@dataclass
class Disk:
    """What the commands said, and what stood after them."""

    home: Home
    is_mounted: bool
    full: list[tuple[int, Answer]] = field(default_factory=list)  # MB left, and the answer
    after_full: list[str] = field(default_factory=list)  # what was half-written then
    shut: Answer | None = None
    shut_left: list[str] = field(default_factory=list)
    closed: Answer | None = None
    exports: dict[str, str] = field(default_factory=dict)
    sealed: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    verified: Answer | None = None


def play(lab: Lab, project: Path, shared: Shared) -> Disk:
    """The whole story."""
    shared.is_ready.wait()
    if shared.home is None:
        raise RuntimeError("the demo has not run")
    home = lab.home("full_disk", project)
    home.folder.mkdir()
    is_mounted = _mounted(["-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs"], home.folder)
    seen = Disk(home, is_mounted)
    try:
        for path in ("landing", "sealed"):
            shutil.copytree(shared.home.folder / path, home.folder / path)
        sealed = home.bytes_of("sealed")
        dice = random.Random()
        for _ in range(TIMES):
            room = dice.randint(*ROOM_LEFT)
            with _full(home.folder, room, is_mounted):
                seen.full.append((room, home.run(*CLOSE, **LATER)))
            if home.bytes_of("sealed") != sealed:
                seen.after_full.append(f"{room} MB: sealed/ is another")
            if home.published.exists() and "billing.fct_invoices" not in contents(home.published, "billing."):
                seen.after_full.append(f"{room} MB: {home.published.name} is not whole")
        with _shut(home.folder / "exports", is_mounted):
            seen.shut = home.run(*CLOSE, **LATER)
            seen.shut_left = [path.name for path in home.folder.glob("exports/*")]
        seen.closed = home.run(*CLOSE, **LATER)
        seen.exports, seen.sealed = home.bytes_of("exports"), home.bytes_of("sealed")
        seen.contents = contents(home.published)
        seen.verified = home.run("verify")
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", str(home.folder)], check=False)
    return seen


def _mounted(arguments: list[str], folder: Path) -> bool:
    """Whether a file system could be mounted there."""
    try:
        return subprocess.run(["mount", *arguments, str(folder)], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@contextlib.contextmanager
def _full(folder: Path, room: int, is_mounted: bool) -> Iterator[None]:
    """No more than so many MB left."""
    if not is_mounted:
        # Inherited by the command; a write beyond it fails as one on a full disk does (Python ignores the signal).
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room << 20, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    filler = folder / "filler"
    left = shutil.disk_usage(folder).free - (room << 20)
    with filler.open("wb") as stream:
        for _ in range(max(left, 0) >> 20):
            stream.write(bytes(1 << 20))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def _shut(folder: Path, is_mounted: bool) -> Iterator[None]:
    """A folder that nobody can write to, root neither."""
    if not is_mounted:
        folder.rmdir() if folder.is_dir() else None
        folder.write_text("in the way")
        try:
            yield
        finally:
            folder.unlink()
        return
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)
