"""The overlap and gap tests of the dated policy rows (SPEC P3, P6, issue 3 item 4), on rows that they must refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from models.runner import POLICY, ROOT, Scratch, load_project

Rows = Sequence[Mapping[str, Any]]
SINCE, CHANGE = "2020-01-01", "2026-10-16"


@pytest.fixture(scope="module")
def data_tests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """dbt's compiled data tests on the policy rows, by name."""
    target = tmp_path_factory.mktemp("target")
    load_project(ROOT, target)
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"].values()
    return {
        node["name"]: node["compiled_code"]
        for node in nodes
        if node["resource_type"] == "test" and (node.get("attached_node") or "").startswith("seed.")
    }


@pytest.fixture(scope="module")
def policy() -> Scratch:
    return Scratch()


def tier(tier_from: int, tier_to: int | None, **more: Any) -> dict[str, Any]:
    return {
        "charge_id": "c",
        "tier_from": tier_from,
        "tier_to": tier_to,
        "unit_price": 1,
        "effective_from": SINCE,
    } | more


def charge(**more: Any) -> dict[str, Any]:
    stated = {"rate_plan_id": "p", "charge_id": "c", "meter": "dar", "charge_model": "graduated"}
    return stated | {"price_basis": "stated", "effective_from": SINCE} | more


GOOD_TIERS = (tier(0, 100), tier(100, 200), tier(200, None))
THEN = {"effective_to": CHANGE}
FROM = {"effective_from": CHANGE}

CASES: tuple[tuple[str, str | None, Rows, Rows], ...] = (
    ("a ladder", None, (charge(),), GOOD_TIERS),
    (
        "another ladder from a date on",
        None,
        (charge(),),
        (tier(0, None, **THEN), tier(0, 50, **FROM), tier(50, None, **FROM)),
    ),
    ("a charge that ends with its tiers", None, (charge(**THEN),), (tier(0, None, **THEN),)),
    ("terms that follow each other", None, (charge(**THEN), charge(**FROM)), GOOD_TIERS),
    ("terms with a pause", None, (charge(**THEN), charge(effective_from="2026-12-01")), GOOD_TIERS),
    ("a gap between tiers", "tiers_are_contiguous", (charge(),), (tier(0, 100), tier(150, None))),
    ("tiers that overlap", "tiers_are_contiguous", (charge(),), (tier(0, 100), tier(50, None))),
    ("tiers that start above zero", "tiers_are_contiguous", (charge(),), (tier(10, None),)),
    ("a last tier with an end", "tiers_are_contiguous", (charge(),), (tier(0, 100),)),
    ("an empty tier", "tiers_are_contiguous", (charge(),), (tier(0, 0), tier(0, None, effective_from="2020-01-02"))),
    ("an open tier in the middle", "tiers_are_contiguous", (charge(),), (tier(0, None), tier(100, None))),
    (
        "a gap from a date on",
        "tiers_are_contiguous",
        (charge(),),
        (tier(0, 100), tier(100, None, **THEN), tier(150, None, **FROM)),
    ),
    ("one tier ends early", "tiers_are_contiguous", (charge(),), (tier(0, 100), tier(100, None, **THEN))),
    (
        "the same tier twice",
        "no_overlapping_periods_rate_plan_tiers",
        (charge(),),
        (tier(0, None), tier(0, None, **FROM)),
    ),
    ("terms that overlap", "no_overlapping_periods_rate_plan_charges", (charge(), charge(**FROM)), GOOD_TIERS),
    (
        "terms that end before they begin",
        "no_overlapping_periods_rate_plan_charges",
        (charge(effective_to=SINCE),),
        GOOD_TIERS,
    ),
    (
        "a charge of two plans",
        "a_charge_is_of_one_plan",
        (charge(**THEN), charge(rate_plan_id="q", **FROM)),
        GOOD_TIERS,
    ),
    (
        "a charge of two meters",
        "a_charge_is_of_one_plan",
        (charge(**THEN), charge(meter="listening", **FROM)),
        GOOD_TIERS,
    ),
    ("no tier at all", "every_tiered_charge_has_tiers", (charge(),), ()),
    ("tiers that begin late", "every_tiered_charge_has_tiers", (charge(),), (tier(0, None, **FROM),)),
    ("tiers that end early", "every_tiered_charge_has_tiers", (charge(),), (tier(0, None, **THEN),)),
    ("tiers of a package", "every_tiered_charge_has_tiers", (charge(charge_model="package"),), (tier(0, None),)),
)
WATCHED = ("tiers_are_contiguous", "no_overlapping_periods", "a_charge_is_of_one_plan", "every_tiered_charge_has_tiers")


@pytest.mark.parametrize(
    ("expected", "charges", "tiers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_dated_policy_rows(
    policy: Scratch, data_tests: Mapping[str, str], expected: str | None, charges: Rows, tiers: Rows
) -> None:
    policy.fill("policy.rate_plan_charges", charges)
    policy.fill("policy.rate_plan_tiers", tiers)
    failing = {
        name
        for name, sql in data_tests.items()
        if name.startswith(WATCHED) and policy.connection.execute(sql).fetchall()
    }
    if expected is None:
        assert failing == set()
    else:
        assert any(name.startswith(expected) for name in failing), failing


def severity(**more: Any) -> dict[str, Any]:
    stated = {"severity": "1", "response_minutes": 30, "contact_methods": "CHAT|EMAIL", "source": "example"}
    return stated | {"effective_from": SINCE} | more


@pytest.mark.parametrize(
    ("expected", "rows"),
    [
        (None, (severity(**THEN), severity(**FROM), severity(severity="2"))),
        (None, (severity(response_minutes=None, contact_methods=None),)),
        ("no_gaps_between_periods", (severity(**THEN), severity(effective_from="2026-10-17"))),
        ("no_overlapping_periods", (severity(), severity(**FROM))),
        ("no_overlapping_periods", (severity(effective_to=SINCE),)),
        ("a_promise_has_a_positive_length", (severity(response_minutes=0),)),
        ("a_promise_has_a_positive_length", (severity(update_interval_minutes=-60),)),
        ("a_promise_has_a_positive_length", (severity(root_cause_analysis_hours=0),)),
        ("a_contact_method_is_a_word", (severity(contact_methods="CHAT| EMAIL"),)),
        ("a_contact_method_is_a_word", (severity(contact_methods="CHAT||EMAIL"),)),
    ],
)
def test_dated_promises_of_a_severity(
    policy: Scratch, data_tests: Mapping[str, str], expected: str | None, rows: Rows
) -> None:
    policy.fill("policy.support_severities", rows)
    failing = {
        name
        for name, sql in data_tests.items()
        if "support_severities" in sql and policy.connection.execute(sql).fetchall()
    }
    assert {name for name in failing if not name.startswith(expected or " ")} == set()
    assert bool(failing) == (expected is not None)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("delete from policy.gl_accounts where meter = 'listening'", "every_meter_has_a_revenue_account"),
        ("delete from policy.gl_accounts where posting = 'credit'", "every_posting_has_an_account"),
        ("update policy.gl_accounts set meter = null where meter = 'dar'", "only_revenue_is_posted_by_meter"),
        ("insert into policy.gl_accounts from policy.gl_accounts limit 1", "unique_combination_gl_accounts"),
        ("delete from policy.issuers", "one_entity_issues"),
        ("insert into policy.issuers select * replace ('other' as entity) from policy.issuers", "one_entity_issues"),
        ("update policy.issuers set issuer_name = null", "the_issuer_is_named_throughout"),
    ],
)
def test_accounts_and_the_issuer_are_complete(
    policy: Scratch, data_tests: Mapping[str, str], change: str, expected: str
) -> None:
    policy.fill_policy(POLICY)
    policy.connection.execute(change)
    failing = {name for name, sql in data_tests.items() if policy.connection.execute(sql).fetchall()}
    policy.fill_policy(POLICY)
    assert any(name.startswith(expected) for name in failing), failing


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("channels", "source", "unique_combination_channels_"),
        ("channels", "channel", "no_nulls_channels_"),
        ("currencies", "minor_units", "no_nulls_currencies_"),
        ("meters", "meter", "unique_combination_meters_"),
        ("rate_plans", "rate_plan_id", "unique_combination_rate_plans_"),
        ("rate_plans", "currency_code", "no_nulls_rate_plans_"),
        ("rate_plan_charges", "rate_plan_id", "no_nulls_rate_plan_charges_"),
        ("rate_plan_charges", "price_basis", "no_nulls_rate_plan_charges_"),
        ("rate_plan_charges", "effective_from", "no_nulls_rate_plan_charges_"),
        ("settings", "setting", "unique_combination_settings_"),
        ("support_events", "is_update", "no_nulls_support_events_"),
        ("trigger_rules", "counts", "no_nulls_trigger_rules_"),
    ],
)
def test_a_value_that_is_missing_is_told(
    policy: Scratch, data_tests: Mapping[str, str], table: str, column: str, expected: str
) -> None:
    """One row without a value, the others as they are: the first column of a test is found, and its last."""
    policy.fill_policy(POLICY)
    policy.connection.execute(
        f"update policy.{table} set {column} = null where rowid = (select max(rowid) from policy.{table})"
    )
    failing = {name for name, sql in data_tests.items() if policy.connection.execute(sql).fetchall()}
    policy.fill_policy(POLICY)
    assert any(name.startswith(expected) for name in failing), failing


def test_the_policy_of_the_project_passes_all_of_them(policy: Scratch, data_tests: Mapping[str, str]) -> None:
    policy.fill_policy(POLICY)
    assert len(data_tests) >= 50
    assert {name for name, sql in data_tests.items() if policy.connection.execute(sql).fetchall()} == set()
