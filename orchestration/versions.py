"""What a result was made with: code, policy, zone data and input files, each as a checksum that needs no git."""

from __future__ import annotations

import functools
import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from orchestration.settings import LedgerError, Settings

# What decides a result besides policy, inputs and the clock.
CODE_FOLDERS = ("expectations", "macros", "models", "orchestration")
CODE_FILES = ("dbt_project.yml", "requirements.txt")
CODE_SUFFIXES = {".py", ".sql", ".yml", ".yaml", ".txt", ".md", ".html", ".css"}


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def joint_sha256(pairs: Iterable[tuple[str, str]]) -> str:
    """One SHA-256 over (path, SHA-256) pairs, whatever their order: a line `path TAB hash` each, sorted."""
    lines = sorted(f"{path}\t{sha256}\n" for path, sha256 in pairs)
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@functools.cache
def _code_sha256(project_root: Path) -> str:
    files = [project_root / name for name in CODE_FILES]
    for folder in CODE_FOLDERS:
        files += [path for path in (project_root / folder).rglob("*") if path.suffix in CODE_SUFFIXES]
    return joint_sha256(
        (path.relative_to(project_root).as_posix(), file_sha256(path)) for path in files if path.is_file()
    )


@functools.cache
def _git_version(project_root: Path) -> str | None:
    """`git describe` of the checkout; None without git. It names a version, the code's SHA-256 proves it."""
    git = shutil.which("git")
    if git is None or not (project_root / ".git").exists():
        return None
    answer = subprocess.run(
        [git, "-C", str(project_root), "describe", "--always", "--tags", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or None


def code_version(settings: Settings) -> dict[str, str | None]:
    """The commit, where there is one, and the SHA-256 of the project's own code files."""
    return {"commit": _git_version(settings.project_root), "sha256": _code_sha256(settings.project_root)}


def policy_checksums(settings: Settings) -> dict[str, str]:
    """The SHA-256 of each policy file (SPEC 7)."""
    return {path.name: file_sha256(path) for path in sorted(settings.policy.glob("*.csv"))}


def tzdata_version(connection: duckdb.DuckDBPyConnection) -> str:
    """The zone data's release that this warehouse was built with (SPEC R2). LedgerError before the first run."""
    row = connection.execute("select tzdata_version from raw.run_settings").fetchone()
    if row is None:
        raise LedgerError("The warehouse has not been loaded yet: run `make run PERIOD=YYYY-MM` first.")
    return row[0]


def input_files(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """How many landing files the warehouse rests on, and one SHA-256 over their paths and contents."""
    pairs = connection.execute("select path, sha256 from raw.landing_files").fetchall()
    return {"files": len(pairs), "sha256": joint_sha256(pairs)}
