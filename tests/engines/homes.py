"""The homes that both engines are given.

What belongs here: making a home, and building it with one engine or the other. What does not: comparing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from end_to_end.chance import Landing, Terms

import demo
from orchestration import landing, models, reference, sealing, state, zones
from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.spark import sides

FIRST, SECOND = demo.PERIODS
AS_OF = {FIRST: demo.AS_OF_CLOSE, SECOND: "2026-05-20T12:00:00Z"}  # of a month's run and of its close
CHANCE_AS_OF, CHANCE_PERIOD = datetime(2026, 11, 20, 12, tzinfo=UTC), date(2026, 4, 1)
OF_THE_BUILD_BEFORE = {"intermediate.int_rating_kept", "intermediate.int_rating_changed"}
PROJECT = ("dbt_project.yml", "profiles.yml", "requirements.txt", "macros", "models", "tests", "orchestration")


def deliver(write: Callable[[Path], list[Path]], homes: Sequence[Home]) -> None:
    """The same files for all homes, with the same time of change, in milliseconds: Spark sees nothing finer."""
    first = homes[0].folder / "landing"
    for path in write(first):
        stat = path.stat()
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns // 1_000_000 * 1_000_000))
    for home in homes[1:]:
        shutil.copytree(first, home.folder / "landing", dirs_exist_ok=True)


@dataclass(frozen=True)
class Home:
    """A home whose runs and closes are one engine's."""

    folder: Path
    engine: str

    def run(self, period: str, loader: str = "duckdb") -> str:
        """`make run` of a month; the digest of the draft that it exported."""
        self._ledger("run", period, loader)
        manifest = json.loads((self.folder / "exports" / period / "manifest.json").read_text(encoding="utf-8"))
        return str(manifest["draft_digest"])

    def close(self, period: str, digest: str, loader: str = "duckdb") -> None:
        """`make close` of a month, if its draft is the one with this digest."""
        self._ledger("close", period, loader, "--by", "tests", "--draft", digest)

    def _ledger(self, command: str, period: str, loader: str, *more: str) -> None:
        variables = {
            "LEDGER_HOME": str(self.folder), "LEDGER_ENGINE": self.engine, "LEDGER_LOADER": loader,
            "LEDGER_AS_OF": AS_OF[period],
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "orchestration", command, "--period", period, *more],
            cwd=PROJECT_ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{self.engine}, {command} {period}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def chance_home(folder: Path, seed: int) -> Settings:
    """A loaded home whose landing files and policy are a seed's, in a project of its own policy files."""
    project = folder / "project"
    project.mkdir(parents=True)
    for name in PROJECT:
        (project / name).symlink_to(PROJECT_ROOT / name)
    shutil.copytree(PROJECT_ROOT / "seeds", project / "seeds")
    Terms(seed).write(project / "seeds" / "policy")
    settings = Settings(home=folder / "duckdb", as_of=CHANCE_AS_OF, project_root=project)
    Landing(seed).write(settings.landing)
    with connect(settings) as connection:
        landing.load_landing(connection, settings, log=lambda text: None)
        reference.load_reference(connection, settings, log=lambda text: None)
        zones.load_zone_offsets(connection)
        sealing.load_seals(connection, settings)
        state.write_run_settings(connection, settings, CHANCE_PERIOD, zones.tzdata_version())
    return settings


def build_both(settings: Settings) -> tuple[Path, Path, Mapping[str, Any]]:
    """The models of a loaded home on DuckDB, and of its copy on Spark; both warehouses and dbt's manifest.

    SystemExit with dbt's words when a model fails. A data test may find rows in what chance made, on both engines.
    """
    on_spark = replace(settings, home=settings.home.with_name("spark"), engine="spark")
    shutil.copytree(settings.home, on_spark.home)
    for one in (settings, on_spark):
        build = models.build(one, data_tests="none")
        if build.failures:
            raise SystemExit("\n".join([f"{one.engine} did not build:", *build.failures[:10]]))
    return settings.warehouse, on_spark.warehouse, models.read_manifest(on_spark)


def read_manifest(home: Path) -> Mapping[str, Any]:
    """dbt's manifest that a run of this home used."""
    return json.loads((home / "dbt" / "manifest.json").read_text(encoding="utf-8"))


def tables_of(manifest: Mapping[str, Any]) -> list[str]:
    """Every mart, every table that DuckDB takes over from Spark, and what DuckDB builds of them; not the views.

    Nor what a table says of the build before, which is none on Spark: all of its rating is anew.
    """
    built = {
        f"{node['schema']}.{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "view"
        and sides.engine_of(node) != "spark"
    }
    return sorted((built | set(sides.edge_tables(manifest))) - OF_THE_BUILD_BEFORE)
