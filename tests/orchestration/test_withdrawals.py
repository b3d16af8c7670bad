"""withdrawals.csv (SPEC C7): a path that it names is not read, whether the file is still in landing or not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.landing import load_landing
from orchestration.policy import withdrawn_paths
from orchestration.reference import load_reference
from orchestration.settings import LedgerError, Settings, connect

HEADER = "path,reason,approved_by\n"
WRONG, RIGHT = "function_invocations/wrong.jsonl", "function_invocations/right.jsonl"


class Ledger:
    """A home with two files of invocations, and a policy folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(folder / "home", datetime(2026, 11, 20, tzinfo=UTC), project_root=folder)
        self.settings.policy.mkdir(parents=True)
        (self.settings.policy / "currencies.csv").write_text("currency_code,minor_units\nUSD,2\n")
        (self.settings.policy / "rate_plans.csv").write_text("rate_plan_id,currency_code\nstarter,USD\n")
        self.withdraw()
        self.put(WRONG, invocation("i1"))
        self.put(RIGHT, invocation("i2"))
        self.connection = connect(self.settings)

    def put(self, path: str, text: str) -> None:
        target = self.settings.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def withdraw(self, *paths: str) -> None:
        rows = "".join(f"{path},sent by mistake,a person\n" for path in paths)
        (self.settings.policy / "withdrawals.csv").write_text(HEADER + rows, encoding="utf-8")

    def loaded(self) -> set[str]:
        """Invocation ids after loading."""
        load_landing(self.connection, self.settings, lambda _: None)
        rows = self.connection.execute("select invocation_id from raw.function_invocations").fetchall()
        return {row[0] for row in rows}

    def accounts(self) -> set[str]:
        """Account ids after loading the reference files."""
        load_reference(self.connection, self.settings, lambda _: None)
        return {row[0] for row in self.connection.execute("select account_id from raw.accounts").fetchall()}


def invocation(name: str) -> str:
    return json.dumps({"accountId": "s1", "functionUuid": "f", "invocationId": name, "timestampL": 1760000000000,
                       "trigger": "EVENT", "state": "SUCCEEDED"}) + "\n"  # fmt: skip


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_a_withdrawn_file_is_not_read_although_it_is_there(ledger: Ledger) -> None:
    ledger.withdraw(WRONG)
    assert withdrawn_paths(ledger.settings) == {WRONG}
    assert ledger.loaded() == {"i2"}
    assert (ledger.settings.landing / WRONG).exists()
    assert ledger.connection.execute("select path from raw.landing_files").fetchall() == [(RIGHT,)]


def test_what_was_loaded_before_goes_and_comes_back_with_the_row(ledger: Ledger) -> None:
    assert ledger.loaded() == {"i1", "i2"}
    ledger.withdraw(WRONG)
    assert ledger.loaded() == {"i2"}
    ledger.withdraw()
    assert ledger.loaded() == {"i1", "i2"}


def test_a_path_is_withdrawn_not_its_content(ledger: Ledger) -> None:
    ledger.put("function_invocations/copy.jsonl", invocation("i1"))
    ledger.withdraw(WRONG)
    assert ledger.loaded() == {"i1", "i2"}


def test_a_path_of_no_file_does_no_harm(ledger: Ledger) -> None:
    ledger.withdraw("function_invocations/never.jsonl", "", "nowhere")
    assert ledger.loaded() == {"i1", "i2"}


def test_a_withdrawn_reference_file_is_not_in_force(ledger: Ledger) -> None:
    ledger.put("reference/accounts.csv", "account_id,account_name,currency_code\nA1,Acme,USD\n")
    ledger.put("reference/accounts_2.csv", "account_id,account_name,currency_code\nA2,Wrong,USD\n")
    assert ledger.accounts() == {"A2"}
    ledger.withdraw("reference/accounts_2.csv")
    assert ledger.accounts() == {"A1"}


def test_withdrawals_that_cannot_be_read_stop_the_loading(ledger: Ledger) -> None:
    (ledger.settings.policy / "withdrawals.csv").unlink()
    with pytest.raises(LedgerError, match=r"withdrawals\.csv cannot be read"):
        ledger.loaded()
