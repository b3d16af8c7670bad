"""Policy rows that Python reads itself: what is wrong with a file is said in a sentence (SPEC section 7)."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.policy import settling_days, withdrawn_paths
from orchestration.settings import LedgerError, Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings.from_environment({"LEDGER_HOME": str(tmp_path)})
    object.__setattr__(made, "project_root", tmp_path)
    made.policy.mkdir(parents=True)
    return made


def write(settings: Settings, name: str, text: str) -> None:
    (settings.policy / f"{name}.csv").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("stated", "days"), [("settling_days,7,", 7), ("settling_days,,", 0), ("alert_near,1,", 0)])
def test_the_days_to_settle(settings: Settings, stated: str, days: int) -> None:
    write(settings, "settings", f"setting,value,reason\n{stated}\n")
    assert settling_days(settings) == days


@pytest.mark.parametrize("stated", ["\u00b2", "-1", "1.5", "99999999999", "soon", " "])
def test_days_that_are_none_are_named(settings: Settings, stated: str) -> None:
    write(settings, "settings", f"setting,value,reason\nsettling_days,{stated},\n")
    with pytest.raises(LedgerError, match="settling_days"):
        settling_days(settings)


def test_a_column_that_is_missing_is_named(settings: Settings) -> None:
    write(settings, "settings", "setting,val,reason\nsettling_days,3,\n")
    write(settings, "withdrawals", "file,reason,approved_by\na.jsonl,wrong,x\n")
    with pytest.raises(LedgerError, match=r"settings.csv has no column value: its header begins setting,value"):
        settling_days(settings)
    with pytest.raises(LedgerError, match=r"withdrawals.csv has no column path"):
        withdrawn_paths(settings)
