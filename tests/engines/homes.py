"""The homes that both engines are given.

What belongs here: making a home, and building it with one engine or the other. What does not: comparing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from end_to_end.chance import Landing, Terms

import demo
from orchestration import landing, models, reference, sealing, state, zones
from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.spark import sides

DRAFT = demo.PERIODS[1]
CHANCE_AS_OF, CHANCE_PERIOD = datetime(2026, 11, 20, 12, tzinfo=UTC), date(2026, 4, 1)
RUN = "import sys; from orchestration import flow; from orchestration.settings import Settings, parse_period; "
RUN += "flow.run_job(Settings.from_environment(), flow.MONTHLY_RUN, parse_period(sys.argv[1]))"
PROJECT = ("dbt_project.yml", "profiles.yml", "macros", "models", "tests", "orchestration")


def demo_home(home: Path) -> Path:
    """The demo, by DuckDB: a closed month, a late file, a draft."""
    _python(home, "duckdb", "-m", "orchestration", "demo")
    return home


def run_draft(home: Path) -> None:
    """The draft of a finished demo once more, by Dagster on Spark, with nothing published or exported before it."""
    for folder in ("published", f"exports/{DRAFT}"):
        shutil.rmtree(home / folder)
    _python(home, "spark", "-c", RUN, DRAFT, LEDGER_AS_OF=demo.AS_OF_RUN)


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
        build = models.build(one, has_data_tests=False)
        if build.failures:
            raise SystemExit("\n".join([f"{one.engine} did not build:", *build.failures[:10]]))
    return settings.warehouse, on_spark.warehouse, models.read_manifest(on_spark)


def read_manifest(home: Path) -> Mapping[str, Any]:
    """dbt's manifest that a run of this home used."""
    return json.loads((home / "dbt" / "manifest.json").read_text(encoding="utf-8"))


def tables_of(manifest: Mapping[str, Any]) -> list[str]:
    """Every mart, every table that DuckDB takes over from Spark, and what DuckDB builds of them; not the views."""
    built = {
        f"{node['schema']}.{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
        and node["config"]["materialized"] != "view"
        and sides.engine_of(node) != "spark"
    }
    return sorted(built | set(sides.edge_tables(manifest)))


def _python(home: Path, engine: str, *arguments: str, **variables: str) -> None:
    environment = os.environ | {"LEDGER_HOME": str(home), "LEDGER_ENGINE": engine} | variables
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")
