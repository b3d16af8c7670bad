"""Homes of the benchmark: a LEDGER_HOME each, its landing filled once, its warehouse put back before each repetition.

What belongs here: folders and files. What does not: what is measured.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, run_piece
from benchmarks.payload import environment


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

    def piece(self, name: str, *arguments: str) -> Cost:
        """Run a piece in this home."""
        return run_piece([name, *arguments], environment(self.path))

    def empty(self) -> None:
        """Forget what was loaded; the files and dbt's parsed project stay."""
        for path in (self.warehouse, self.warehouse.with_name("warehouse.duckdb.wal")):
            path.unlink(missing_ok=True)

    def keep(self, name: str) -> None:
        """Keep the warehouse as it is now under a name."""
        shutil.copyfile(self.warehouse, self.path / f"{name}.duckdb")

    def put_back(self, name: str) -> None:
        """Make the warehouse what it was when it was kept."""
        self.empty()
        shutil.copyfile(self.path / f"{name}.duckdb", self.warehouse)

    def loaded_anew(self) -> Cost:
        """Load all files into an empty warehouse."""
        self.empty()
        return self.piece("load")

    def built_from(self, name: str) -> Cost:
        """Build all models on a kept warehouse."""
        self.put_back(name)
        return self.piece("build")

    def link_landing(self, other: Home, prefixes: tuple[str, ...] = ("",)) -> None:
        """Take over another home's files whose names begin so, without copying them; reference files always."""
        for source in other.landing.rglob("*"):
            if source.is_file() and (
                source.parent.name != "messaging_interactions" or source.name.startswith(prefixes)
            ):
                target = self.landing / source.relative_to(other.landing)
                target.parent.mkdir(parents=True, exist_ok=True)
                if not target.exists():
                    os.link(source, target)
