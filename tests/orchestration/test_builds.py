"""What a build makes again: everything where the project is another, else no view and no policy file that stayed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from house import make_settings

from orchestration import models
from orchestration.models import SELECTED_AGAIN, Build
from orchestration.settings import Settings
from orchestration.spark import build as spark

ALL = ["--full-refresh"]
AGAIN = ["--select", *SELECTED_AGAIN]
WITH_SEEDS = [*AGAIN, "resource_type:seed"]


class Dbt:
    """In dbt's place: what it was asked for, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.failures: list[str] = []

    def __call__(self, settings: Settings, selected: list[str], *_: Any) -> Build:
        self.asked.append(selected)
        return Build(failures=list(self.failures))


@pytest.fixture
def dbt(monkeypatch: pytest.MonkeyPatch) -> Dbt:
    dbt = Dbt()
    monkeypatch.setattr(models, "_build", dbt)
    return dbt


@pytest.fixture
def home(tmp_path: Path, dbt: Dbt) -> Settings:
    """A home whose warehouse was built once."""
    settings = make_settings(tmp_path)
    settings.home.mkdir(parents=True, exist_ok=True)
    for name in (*models.PROJECT_FILES, "models/a.sql", "models/a.yml", "macros/m.sql", "seeds/policy/meters.csv"):
        _write(settings, name, "as it was")
    models.build(settings)
    return settings


def _write(settings: Settings, name: str, text: str) -> None:
    path = settings.project_root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_first_build_makes_everything(home: Settings, dbt: Dbt) -> None:
    assert dbt.asked == [ALL]


def test_the_next_one_leaves_views_and_seeds(home: Settings, dbt: Dbt) -> None:
    models.build(home)
    models.build(home)
    assert dbt.asked[1:] == [AGAIN, AGAIN]


def test_a_policy_file_that_changed_is_read_again_once(home: Settings, dbt: Dbt) -> None:
    _write(home, "seeds/policy/meters.csv", "another")
    models.build(home)
    models.build(home)
    assert dbt.asked[1:] == [WITH_SEEDS, AGAIN]


@pytest.mark.parametrize(
    "name", ["models/a.sql", "models/a.yml", "macros/m.sql", "dbt_project.yml", "requirements.txt"]
)
def test_another_project_makes_everything(home: Settings, dbt: Dbt, name: str) -> None:
    _write(home, name, "another")
    models.build(home)
    models.build(home)
    assert dbt.asked[1:] == [ALL, AGAIN]


def test_after_a_failure_everything_is_made(home: Settings, dbt: Dbt) -> None:
    dbt.failures = ["a model failed"]
    models.build(home)
    dbt.failures = []
    models.build(home)
    assert dbt.asked[1:] == [AGAIN, ALL]


def test_after_a_death_everything_is_made(home: Settings, monkeypatch: pytest.MonkeyPatch, dbt: Dbt) -> None:
    def die(*_: Any) -> Build:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(models, "_build", die)
        models.build(home)
    models.build(home)
    assert dbt.asked[1:] == [ALL]


def test_a_new_warehouse_knows_nothing_of_the_old_one(home: Settings, dbt: Dbt) -> None:
    home.warehouse.unlink()
    models.build(home)
    assert dbt.asked[1:] == [ALL]


def test_a_part_by_the_same_code_changes_nothing(home: Settings, dbt: Dbt) -> None:
    models.build(home, ["dim_sites"])
    models.build(home)
    assert dbt.asked[1:] == [["--select", "dim_sites"], AGAIN]


def test_a_part_by_other_code_leaves_a_mixture(home: Settings, dbt: Dbt) -> None:
    _write(home, "models/a.sql", "another")
    models.build(home, ["dim_sites"])
    _write(home, "models/a.sql", "as it was")
    models.build(home)
    assert dbt.asked[1:] == [["--select", "dim_sites"], ALL]


def test_after_a_part_that_failed_everything_is_made(home: Settings, dbt: Dbt) -> None:
    dbt.failures = ["a test failed"]
    models.build(home, ["dim_sites"])
    dbt.failures = []
    models.build(home, ["dim_sites"])
    models.build(home)
    assert dbt.asked[3:] == [ALL]


def test_after_spark_everything_is_made(home: Settings, monkeypatch: pytest.MonkeyPatch, dbt: Dbt) -> None:
    monkeypatch.setattr(models, "read_manifest", lambda _: {})
    monkeypatch.setattr(
        spark, "run_spark_part", lambda *_: {"events": [], "failures": ["no Java"], "seconds_by_node": {}}
    )
    models.build(replace(home, engine="spark"))
    models.build(home)
    assert dbt.asked[1:] == [ALL]


def test_a_policy_row_that_fails_is_shown(tmp_path: Path) -> None:
    """Whoever edits a policy file is told which row; what fails of other tables may be anybody's and stays a query."""
    settings = make_settings(tmp_path)
    settings.home.mkdir(parents=True, exist_ok=True)
    node = SimpleNamespace(
        resource_type="test", name="a_setting_has_a_value_of_its_kind", attached_node="seed.dar_ledger.settings",
        build_path="x.sql", compiled_code="select 'settling_days' as setting, 'abc' as value union all select 'b', 'c'",
    )  # fmt: skip
    result = SimpleNamespace(node=node, failures=2, message="Got 2 results")
    assert models._failure(settings, result) == (
        "the test a_setting_has_a_value_of_its_kind on seeds/policy/settings.csv found 2 failing rows, "
        "such as setting 'settling_days', value 'abc': mend it there"
    )
    node.attached_node = "model.dar_ledger.fct_invoices"
    assert "abc" not in models._failure(settings, result)
