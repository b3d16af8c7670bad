"""Homes of the benchmark: a LEDGER_HOME each, its landing filled once, its warehouse put back before each repetition.

What belongs here: folders and files. What does not: what is measured. All homes are used under one path in turn, so
that dbt parses the project once: what it parsed is known by the path of the warehouse.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, run_piece
from benchmarks.shape import AS_OF

READ_BYTES = 4 << 20


@dataclass(frozen=True)
class Home:
    """A LEDGER_HOME below the benchmark's scratch folder."""

    path: Path

    @property
    def landing(self) -> Path:
        """Where its files arrive."""
        return self.path / "landing"

    @property
    def warehouse(self) -> Path:
        """Its working file."""
        return self.path / "warehouse.duckdb"

    def environment(self) -> dict[str, str]:
        """Make this home the one in use; the variables of a run in it."""
        shared, current = self.path.parent / "dbt", self.path.parent / "current"
        for folder in (shared, self.path):
            folder.mkdir(parents=True, exist_ok=True)
        if not (self.path / "dbt").exists():
            (self.path / "dbt").symlink_to(shared)
        current.unlink(missing_ok=True)
        current.symlink_to(self.path)
        return {"LEDGER_HOME": str(current), "LEDGER_AS_OF": AS_OF}

    def piece(self, name: str, *arguments: str) -> Cost:
        """Run a piece in this home."""
        return run_piece([name, *arguments], self.environment())

    def empty(self) -> None:
        """Forget what was loaded; the files and dbt's parsed project stay."""
        for path in (self.warehouse, self.warehouse.with_name("warehouse.duckdb.wal")):
            path.unlink(missing_ok=True)

    def keep(self, name: str) -> None:
        """Keep the warehouse as it is now under a name."""
        shutil.copyfile(self.warehouse, self.kept(name))

    def kept(self, name: str) -> Path:
        """Where the warehouse was kept."""
        return self.path / f"{name}.duckdb"

    @property
    def published(self) -> Path:
        """What it has published."""
        return self.path / "published" / "finance.duckdb"

    def published_anew(self) -> Cost:
        """Publish all marts, as if for the first time."""
        self.published.unlink(missing_ok=True)
        return self.piece("publish")

    def put_back(self, name: str, of: Home | None = None) -> None:
        """Make the warehouse what it was when it was kept, here or in another home."""
        self.empty()
        shutil.copyfile((of or self).kept(name), self.warehouse)

    def read_through(self) -> None:
        """Bring the files into the page cache: what is compared then reads them from memory, not one from the disk."""
        for path in self.landing.rglob("*"):
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while file.read(READ_BYTES):
                        pass

    def read_as_text(self, *options: str) -> Cost:
        """Read its files as lines of text."""
        self.read_through()
        return self.piece("text", "--folder", str(self.landing), *options)

    def read_barely(self) -> Cost:
        """Store its messages by one statement."""
        self.read_through()
        return self.piece("bare", "--folder", str(self.landing))

    def read_at_least(self) -> Cost:
        """Hash and parse its messages, and keep nothing."""
        self.read_through()
        return self.piece("least", "--folder", str(self.landing))

    def loaded_anew(self) -> Cost:
        """Load all files into an empty warehouse."""
        self.empty()
        self.read_through()
        return self.piece("load")

    def built_from(self, name: str) -> Cost:
        """Build all models on a kept warehouse, and keep the result as `built`."""
        self.put_back(name)
        cost = self.piece("build")
        self.keep("built")
        return cost

    def link_landing(self, other: Home, is_wanted: Callable[[str], bool] = lambda _: True) -> None:
        """Take over another home's files, those with a wanted name, without copying them."""
        for source in other.landing.rglob("*"):
            target = self.landing / source.relative_to(other.landing)
            if source.is_file() and is_wanted(source.name) and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(source, target)
