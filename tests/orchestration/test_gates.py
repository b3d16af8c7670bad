"""The gates: what is wrong is named, and a gate that cannot run has failed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from house import PERIOD, build_marts, change, make_settings, published

from orchestration import gates
from orchestration.checks import ensure_gate
from orchestration.settings import LedgerError, Settings, connect
from orchestration.suites import DOORS, read_suite

CONTROL = {
    "name": "amounts_are_not_negative",
    "table": "billing.fct_invoice_lines",
    "rows": "select invoice_line_id from billing.fct_invoice_lines where amount < 0",
}
EXPECTATION = {
    "type": "expect_column_max_to_be_between",
    "kwargs": {"column": "amounts_are_not_negative", "max_value": 0},
    "severity": "critical",
    "notes": "An amount is not below zero.",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_settings(tmp_path)
    build_marts(made)
    write_suite(made)
    return made


def write_suite(settings: Settings, door: str = "outgoing", **changes: Any) -> None:
    suite = {"name": door, "controls": [CONTROL], "expectations": [EXPECTATION], **changes}
    (settings.project_root / "expectations" / f"{door}.yml").write_text(yaml.safe_dump(suite), encoding="utf-8")


def judge(settings: Settings, run_id: str = "run", door: str = "outgoing") -> gates.Gate:
    tables = published(settings)
    with connect(settings) as connection:
        return gates.run_gate(connection, settings, door, PERIOD, run_id, tables)


def test_our_own_suites_are_whole() -> None:
    ours = Settings.from_environment({})
    for door in DOORS:
        suite = read_suite(ours, door, [])
        assert len(suite.expectations) >= 10
        assert all(expectation.notes and expectation.control.rows for expectation in suite.expectations)


def test_what_is_right_passes_and_is_kept(settings: Settings) -> None:
    gate = judge(settings)
    assert gate.passed
    assert not gate.warnings
    with connect(settings) as connection:
        kept = connection.execute(
            "select gate, expectation, success, failing_count from quality.gate_results"
        ).fetchall()
    assert kept == [("outgoing", "amounts_are_not_negative", True, 0)]
    assert gates.data_docs(settings).is_file()


def test_a_failure_names_table_count_and_query(settings: Settings) -> None:
    change(settings, "update billing.fct_invoice_lines set amount = -1 where currency_code = 'USD'")
    gate = judge(settings)
    assert not gate.passed
    (failure,) = gate.failures
    assert (failure.table, failure.failing, failure.query) == ("billing.fct_invoice_lines", 3, CONTROL["rows"])
    assert "amounts_are_not_negative on billing.fct_invoice_lines: 3 rows" in gate.message()
    with connect(settings) as connection:
        assert len(connection.execute(failure.query).fetchall()) == 3


def test_a_failed_gate_shows_in_the_periods(settings: Settings) -> None:
    change(settings, "update billing.fct_invoice_lines set amount = -1")
    judge(settings)
    with connect(settings) as connection:
        states = connection.execute("select state from billing.fct_periods order by period").fetchall()
    assert states == [("closed",), ("gate_failed",)]


def test_a_warning_does_not_stop(settings: Settings) -> None:
    write_suite(settings, expectations=[EXPECTATION | {"severity": "warning"}])
    change(settings, "update billing.fct_invoice_lines set amount = -1")
    gate = judge(settings)
    assert gate.passed
    assert [warning.failing for warning in gate.warnings] == [4]


@pytest.mark.parametrize("severity", ["critical", "warning"])
def test_a_control_that_cannot_be_computed_stops_whatever_its_severity(settings: Settings, severity: str) -> None:
    write_suite(settings, expectations=[EXPECTATION | {"severity": severity}])
    change(settings, "drop table billing.fct_invoice_lines")
    gate = judge(settings)
    assert not gate.passed
    assert "could not be judged" in gate.message()


def test_a_control_without_a_value_stops(settings: Settings) -> None:
    write_suite(settings, controls=[CONTROL | {"value": "select null"}])
    assert not judge(settings).passed


def test_an_expectation_that_great_expectations_does_not_know_stops(settings: Settings) -> None:
    write_suite(settings, expectations=[EXPECTATION | {"type": "expect_column_to_be_fine"}])
    with pytest.raises(LedgerError, match="failed"):
        judge(settings)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"expectations": [], "controls": []}, "empty"),
        ({"expectations": []}, "without an expectation"),
        ({"controls": []}, "not among its controls"),
        ({"controls": [CONTROL, CONTROL]}, "twice"),
        ({"expectations": [EXPECTATION, EXPECTATION]}, "twice"),
        ({"expectations": [EXPECTATION | {"notes": ""}]}, "notes"),
        ({"expectations": [EXPECTATION | {"severity": "severe"}]}, "severity"),
        ({"expectations": None}, "not usable"),
    ],
)
def test_a_suite_with_a_hole_stops(settings: Settings, changes: dict[str, Any], word: str) -> None:
    write_suite(settings, **changes)
    with pytest.raises(LedgerError, match=word):
        judge(settings)


def test_a_missing_suite_stops(settings: Settings) -> None:
    (settings.project_root / "expectations" / "outgoing.yml").unlink()
    with pytest.raises(LedgerError, match="no suite"):
        judge(settings)


def test_a_gate_that_judged_nothing_has_failed() -> None:
    gate = gates.Gate("outgoing", PERIOD, "run", [])
    assert not gate.passed
    assert "judged nothing" in gate.message()


def test_a_parameter_comes_from_the_policy_rows(settings: Settings) -> None:
    parameters = {"most": "select value::double from read_csv('{policy}/settings.csv') where setting = 'settling_days'"}
    kwargs = {"column": "amounts_are_not_negative", "max_value": {"$PARAMETER": "most"}}
    write_suite(settings, parameters=parameters, expectations=[EXPECTATION | {"kwargs": kwargs}])
    change(settings, "update billing.fct_invoice_lines set amount = -1 where currency_code = 'USD'")
    assert judge(settings).passed  # three rows, and settling_days is 3
    change(settings, "update billing.fct_invoice_lines set amount = -1")
    assert not judge(settings).passed


def test_a_control_is_repeated_for_every_published_table(settings: Settings) -> None:
    control = {
        "name": "the_key_is_unique",
        "each": "published",
        "except": ["billing.fct_periods"],
        "rows": "select {key} from {table} group by all having count(*) > 1",
    }
    expectation = EXPECTATION | {"kwargs": {"column": "the_key_is_unique", "max_value": 0}}
    write_suite(settings, controls=[control], expectations=[expectation])
    assert judge(settings).passed
    change(settings, "insert into billing.fct_invoices select * from billing.fct_invoices limit 1")
    gate = judge(settings)
    assert [failure.table for failure in gate.failures] == ["billing.fct_invoices"]
    assert len(gate.results) == len(published(settings)) - 1 > 1


def test_nothing_goes_out_past_the_gate(settings: Settings) -> None:
    """What the asset published_finance does when it is launched alone (issue 2)."""
    tables, log = published(settings), lambda _: None
    ensure_gate(settings, "outgoing", "run", "2026-04", tables, log)
    change(settings, "update billing.fct_invoice_lines set amount = -1")
    ensure_gate(settings, "outgoing", "run", "2026-04", tables, log)  # judged in this run already
    with pytest.raises(LedgerError, match="amounts_are_not_negative"):
        ensure_gate(settings, "outgoing", "another run", "2026-04", tables, log)
    with pytest.raises(LedgerError, match="holds the run of 2026-04, not of 2026-03"):
        ensure_gate(settings, "outgoing", "run", "2026-03", tables, log)


def test_half_built_models_do_not_go_out(settings: Settings) -> None:
    change(settings, "update ledger.state set stage = 'building'")
    with pytest.raises(LedgerError, match="not built"):
        ensure_gate(settings, "outgoing", "run", "2026-04", published(settings), lambda _: None)


def test_what_a_gate_says_fits_one_line(settings: Settings) -> None:
    change(settings, "update billing.fct_invoice_lines set amount = -1")
    assert not re.search(r"[\r\n]", judge(settings).message())
