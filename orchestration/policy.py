"""Policy rows that loading needs before dbt has seeded them. Everything else reads them in SQL."""

from __future__ import annotations

import csv
import re

from orchestration.settings import LedgerError, Settings


def policy_rows(settings: Settings, name: str, *columns: str) -> list[dict[str, str]]:
    """The rows of seeds/policy/<name>.csv by column; LedgerError if the file cannot be read or lacks one of them."""
    path = settings.policy / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise LedgerError(f"{path} has no column {missing[0]}: its header begins {','.join(columns)}.")
            return list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise LedgerError(f"{path} cannot be read ({type(error).__name__}: {error}).") from error


def withdrawn_paths(settings: Settings) -> frozenset[str]:
    """Landing paths that withdrawals.csv takes out, whether the file is still there or not (SPEC C7)."""
    return frozenset(row["path"] for row in policy_rows(settings, "withdrawals", "path") if row.get("path"))


def settling_days(settings: Settings) -> int:
    """The days between a period's end and its close (SPEC P8); 0 where none is stated, LedgerError if no number is."""
    stated = {row["setting"]: row["value"] for row in policy_rows(settings, "settings", "setting", "value")}
    text = stated.get("settling_days") or "0"
    if not re.fullmatch("[0-9]{1,3}", text):  # as seeds/policy/policy.yml has it
        raise LedgerError(
            f"The setting settling_days is {text!r}: write a number of days below 1000 in "
            "seeds/policy/settings.csv."
        )
    return int(text)
