"""dbt's own unit tests, run as CI runs everything: on a warehouse without a single landing file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from models.runner import RAW_TABLES, ROOT

DBT = str(Path(sys.executable).with_name("dbt"))


def _dbt(home: Path, *arguments: str) -> list[dict[str, Any]]:
    """dbt's results; its words are the failure's message."""
    target = home / "target"
    command = [DBT, "--no-use-colors", *arguments, "--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    command += ["--target-path", str(target), "--log-path", str(home / "logs")]
    environment = os.environ | {"LEDGER_HOME": str(home), "DO_NOT_TRACK": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    return json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with empty raw tables, the policy rows and all models, empty: unit tests read columns from it."""
    home = tmp_path_factory.mktemp("ledger")
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(RAW_TABLES.read_text(encoding="utf-8"))
    _dbt(home, "build", "--empty", "--exclude-resource-type", "test", "unit_test")
    return home


def test_every_unit_test_passes(home: Path) -> None:
    answers = _dbt(home, "test", "--select", "test_type:unit")  # the project's hook has an answer of its own
    results = [result for result in answers if result["unique_id"].startswith("unit_test.")]
    assert {result["status"] for result in results} == {"pass"}
    # In the 100s today; a selection that finds nothing must not pass.
    assert len(results) >= 100


def test_an_empty_ledger_passes_every_data_test(home: Path) -> None:
    """A month without landing files is no error: every model builds, every claim holds over nothing."""
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(
            "insert into raw.run_settings values (timestamptz '2026-11-20 12:00:00+00', date '2026-10-01', 'none')"
        )
    results = _dbt(home, "build", "--exclude-resource-type", "unit_test")
    # An exposure is documentation: nothing runs for it.
    assert {result["status"] for result in results} <= {"pass", "success", "no-op"}
    assert sum(result["unique_id"].startswith("test.") for result in results) >= 200
