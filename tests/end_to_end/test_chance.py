"""Adversarial landing data and policy through loading and dbt's SQL: every row is the oracle's.

The models run as dbt compiled them (tests/models/runner.py); the real `dbt build` runs in the stories.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from models.runner import Scratch
from oracle import compute
from oracle.compare import differences

from end_to_end.chance import Landing, Terms
from orchestration import landing, reference, sealing, zones
from orchestration.settings import PROJECT_ROOT, Settings

AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERIOD = date(2026, 4, 1)
SEEDS = range(1, 201) if os.environ.get("HYPOTHESIS_PROFILE") == "torture" else (11, 12, 13)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_arrives_every_row_is_the_oracles(seed: int, scratch: Scratch, tmp_path: Path) -> None:
    policy = tmp_path / "seeds" / "policy"
    shutil.copytree(PROJECT_ROOT / "seeds" / "policy", policy)
    Terms(seed).write(policy)
    settings = Settings(home=tmp_path, as_of=AS_OF, project_root=tmp_path)
    settings.temporary.mkdir()
    Landing(seed).write(settings.landing)

    scratch.empty()
    landing.load_landing(scratch.connection, settings, log=lambda text: None)
    reference.load_reference(scratch.connection, settings, log=lambda text: None)
    zones.load_zone_offsets(scratch.connection)
    sealing.load_seals(scratch.connection, settings)
    scratch.fill_policy(policy)
    row = {"as_of": AS_OF, "period": PERIOD, "tzdata_version": zones.tzdata_version()}
    scratch.fill("raw.run_settings", [row])
    scratch.run(*scratch.project.models)

    result = compute(settings.landing, policy, AS_OF, PERIOD)
    found = differences(scratch.connection, result)
    assert not found, f"seed {seed}:\n" + "\n".join(found)
    # The seed has something to say: every table and every kind of damage is there.
    assert min(len(rows) for rows in (result.dar, result.lines, result.line_tiers, result.conflicts)) > 5
    assert len({row["reason"] for row in result.rejected}) > 5
    rows = scratch.rows("select check_name, difference from quality.fct_reconciliation where difference <> 0")
    assert rows == []
