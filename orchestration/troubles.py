"""Troubles of the machine in one sentence: a full disk, a folder that cannot be written, memory that is not enough.

They can strike anywhere, in DuckDB, SQLite, dbt or Dagster, each with its own words; what to do is always the same.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator

from orchestration.settings import Settings

FULL = ("No space left on device", "database or disk is full", "Disk quota exceeded", "File too large")
SHUT = ("Read-only file system", "readonly database", "Permission denied", "Operation not permitted")
SMALL = ("Out of Memory Error", "OutOfMemoryException", "failed to allocate data", "could not allocate block")
UNCLEAR = ("disk I/O error", "unable to open database file")
NEARLY_FULL = 64 << 20  # bytes: what was half-written may be gone again


def is_full_disk(text: str) -> bool:
    """Whether an error's words are those of a full disk."""
    return any(words in text for words in FULL)


def sentence(settings: Settings, text: str) -> str | None:
    """What a person can do about an error's words; None if they speak of something else."""
    if is_full_disk(text) or (any(words in text for words in UNCLEAR) and _is_full(settings)):
        return (
            f"The disk of {settings.home} is full: make room and run the same command again; what was published, "
            "exported and sealed before is as it was."
        )
    if any(words in text for words in SHUT):
        return (
            f"Something under {settings.home} cannot be written ({_excerpt(text, SHUT)}): allow writing and run the "
            "same command again; what was published, exported and sealed before is as it was."
        )
    if any(words in text for words in SMALL):
        return (
            "The memory was not enough, even with spilling to disk: set LEDGER_MEMORY_LIMIT to more than now "
            f"({settings.memory_limit or 'not set'}), or take the largest files out of landing, and run again."
        )
    return None


def sentence_of(settings: Settings, error: BaseException) -> str | None:
    """The same for an exception and everything that caused it."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return sentence(settings, FULL[0])
        found = sentence(settings, f"{type(each).__name__}: {each}")
        if found:
            return found
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _is_full(settings: Settings) -> bool:
    try:
        return shutil.disk_usage(settings.home).free < NEARLY_FULL
    except OSError:
        return True


def _excerpt(text: str, words: tuple[str, ...]) -> str:
    """The line that says it, shortened."""
    line = next(line for line in text.splitlines() if any(word in line for word in words))
    return " ".join(line.split())[:200]
