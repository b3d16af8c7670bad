"""SPEC C3, C7: usage leaves a sealed period openly or not at all, and what changed since is told for what it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from billing.closing_home import CHARGES, PERIODS, SITES, House, conversation, invocation, message, millis, site

from orchestration import sealing
from orchestration.settings import Settings
from orchestration.suites import read_suite

JANUARY, FEBRUARY = PERIODS[:2]
NOON = "2026-01-10 12:00"
GATE = {
    expectation.control.name: expectation.control.rows
    for expectation in read_suite(Settings.from_environment({}), "outgoing", []).expectations
}
LEAVES, SITES_KNOWN, TIERS = (
    "usage_leaves_a_sealed_period_openly",
    "sealed_sites_are_still_known",
    "tiers_add_up_to_lines",
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "home")
    yield made
    made.scratch.close()


def found_by(home: House, control: str) -> list[tuple[Any, ...]]:
    """What a control of our own suite finds."""
    return home.connection.execute(GATE[control]).fetchall()


def talks(*consumers: str, at: str = NOON) -> list[dict[str, Any]]:
    """A conversation a consumer, of one message."""
    return [conversation(f"v-{who}", [message("m", millis(at), who=who)]) for who in consumers]


def reasons(home: House) -> dict[str, str]:
    """The reasons of all adjustments, by charge."""
    rows = home.scratch.rows("select charge_id, reasons from billing.fct_invoice_lines where line_kind = 'adjustment'")
    return {row["charge_id"]: row["reasons"] for row in rows}


def sealed_january(home: House) -> Path:
    path = home.deliver("messaging_interactions/a.jsonl", talks("k1", "k2", "k3"))
    home.close(JANUARY)
    return path


def test_what_is_replaced_by_more_is_no_loss(home: House) -> None:
    sealed_january(home)
    home.deliver("messaging_interactions/a.jsonl", talks("k1", "k2", "k3", "k4"))
    home.run(FEBRUARY)
    assert found_by(home, LEAVES) == []
    assert reasons(home)["pa_channel"] == "late_usage"


@pytest.mark.parametrize("beside", ["nothing", "as much of another consumer", "a new site", "a conflict elsewhere"])
def test_a_replaced_file_takes_nothing_away(home: House, beside: str) -> None:
    sealed_january(home)
    home.deliver("messaging_interactions/a.jsonl", talks("k1", "k2"))
    if beside == "as much of another consumer":
        home.deliver("messaging_interactions/b.jsonl", talks("k9"))
    if beside == "a new site":
        home.reference("2", sites=[*SITES, site("s9", "A", "Europe/London")])
    if beside == "a conflict elsewhere":
        for name, count in (("c", 1), ("d", 2)):
            home.deliver(f"function_invocations/{name}.jsonl", [invocation("i", millis("2026-02-10 12:00"), count)])
    home.run(FEBRUARY)
    rows = found_by(home, LEAVES)
    assert {row[-1] for row in rows} == {"messaging_interactions/a.jsonl"}
    assert ("s1", "dar", "k3") in {(row[0], row[1], row[3]) for row in rows}


def test_put_back_or_withdrawn_it_passes(home: House) -> None:
    path = sealed_january(home)
    home.deliver("messaging_interactions/a.jsonl", talks("k1", "k2"))
    home.policy(withdrawals=[{"path": "messaging_interactions/a.jsonl", "reason": "wrong", "approved_by": "x"}])
    home.deliver("messaging_interactions/corrected.jsonl", talks("k1", "k2"))
    home.run(FEBRUARY)
    assert found_by(home, LEAVES) == []
    assert "withdrawn" in reasons(home)["pa_channel"]
    home.policy(withdrawals=[])
    home.deliver("messaging_interactions/a.jsonl", talks("k1", "k2", "k3"))
    assert path.exists()
    home.run(FEBRUARY)
    assert found_by(home, LEAVES) == []
    assert home.scratch.rows("select * from raw.sealed_relationships") == []


def test_a_site_that_is_left_out_is_told_and_one_that_is_added_explains_nothing(home: House) -> None:
    sealed_january(home)
    home.deliver("messaging_interactions/late.jsonl", talks("k4"))
    home.reference("2", sites=[*SITES, site("s9", "A", "Europe/London")])
    home.run(FEBRUARY, "dim_sites")
    assert found_by(home, SITES_KNOWN) == []
    assert set(reasons(home).values()) == {"late_usage"}
    home.reference("3", sites=[row for row in SITES if row["site_id"] != "s1"])
    home.run(FEBRUARY, "dim_sites")
    assert {row[0] for row in found_by(home, SITES_KNOWN)} == {"s1"}


def test_a_zone_that_moves_usage_out_of_the_month_says_so(home: House) -> None:
    home.deliver("messaging_interactions/a.jsonl", talks("k1", at="2026-02-01 03:00"))  # 31 January in New York
    home.close(JANUARY)
    home.reference("2", sites=[row | ({"time_zone": "UTC"} if row["site_id"] == "s1" else {}) for row in SITES])
    home.run(FEBRUARY)
    assert reasons(home)["pa_channel"] == "zone_history"
    assert found_by(home, LEAVES) == []


def test_a_minimum_that_policy_gives_up_leaves_sealed_lines_alone(home: House) -> None:
    def charges(minimum: str) -> list[dict[str, str]]:
        return [row | ({"minimum_amount": minimum} if row["charge_id"] == "pb_dar" else {}) for row in CHARGES]

    home.policy(rate_plan_charges=charges("500"))
    home.deliver("messaging_interactions/a.jsonl", [
        conversation("v", [message("m", millis("2026-01-20 12:00"), who="k")], site_id="s3")
    ])  # fmt: skip
    home.close(JANUARY)
    home.policy(rate_plan_charges=charges(""))
    home.run(FEBRUARY)
    final = home.scratch.rows(
        "select amount from billing.fct_invoice_lines where charge_id = 'pb_dar' and status = 'final'"
    )
    assert [int(row["amount"]) for row in final] == [355]  # 22 of 31 days of 500
    assert found_by(home, TIERS) == []


def without_instant(home: House) -> dict[str, Path]:
    """Files that decide over January without a moment of January in them."""
    later = message("later", millis("2026-03-05 12:00"), who="k2")
    return {
        "who the consumer is": home.deliver(
            "messaging_interactions/listed.jsonl", [conversation("c1", [], consumers=["k1"])]
        ),
        "the same, with a later message": home.deliver(
            "messaging_interactions/later.jsonl", [conversation("c2", [later], consumers=["k2"])]
        ),
        "that an agent is a system": home.deliver(
            "messaging_interactions/system.jsonl", [conversation("c3", [], consumers=[], agents={"robot": 0})]
        ),
    }


def test_a_seal_rests_on_files_that_only_say_who_is_who(home: House) -> None:
    agent = [
        conversation(name, [message("m", millis(NOON), "Agent", who)], consumers=[], agents={})
        for name, who in (("c1", "a1"), ("c2", "a1"), ("c3", "robot"))
    ]
    strangers = [conversation("elsewhere", [message("m", millis("2026-03-06 12:00"), who="k5")])]
    home.deliver("messaging_interactions/agents.jsonl", agent)
    home.deliver("messaging_interactions/strangers.jsonl", strangers)
    files = without_instant(home)
    home.close(JANUARY)
    home.run(FEBRUARY)
    sealed = {row["path"] for row in home.scratch.rows("select path from raw.sealed_inputs")}
    names = {path.relative_to(home.settings.landing).as_posix() for path in files.values()}
    assert sealed == names | {"messaging_interactions/agents.jsonl"}
    for path in files.values():
        content = path.read_bytes()
        path.unlink()
        home.run(FEBRUARY)
        gone = {row[0] for row in sealing.missing_inputs(home.connection)}
        assert gone == {path.relative_to(home.settings.landing).as_posix()}
        assert {row[0] for row in found_by(home, "sealed_files_are_still_there")} == gone
        path.write_bytes(content)


def test_beyond_the_horizon_they_may_be_erased(home: House) -> None:
    said = message("m", millis(NOON), "Agent")
    home.deliver("messaging_interactions/agents.jsonl", [conversation("c1", [said], consumers=[])])
    listed = home.deliver("messaging_interactions/listed.jsonl", [conversation("c1", [])])
    home.close(JANUARY)
    for horizon, gone in (("", ["messaging_interactions/listed.jsonl"]), ("1", [])):
        if horizon:
            stated = {"setting": "adjustment_horizon_months", "value": horizon}
            home.policy(settings=[*home.changes["settings"], stated])
            home.close(FEBRUARY)
        content = listed.read_bytes()
        listed.unlink()
        home.run(FEBRUARY if not horizon else PERIODS[2])
        assert [row[0] for row in sealing.missing_inputs(home.connection)] == gone
        assert [row[0] for row in found_by(home, "sealed_files_are_still_there")] == gone
        listed.write_bytes(content)


def test_what_makes_a_sealed_record_count_is_late_usage(home: House) -> None:
    """An agent's message, a session that nobody used: sealed; the consumer's message and the use of it come later."""
    at = millis(NOON)
    session = {"sessionId": "s", "startTimeL": at, "interactiveTimeL": at + 1000}
    said = message("m1", at, "Agent")
    home.deliver(
        "messaging_interactions/a.jsonl", [conversation("v", [said], sessions=[session | {"isInteractive": False}])]
    )
    home.close(JANUARY)
    answered = [said, message("m2", at + 60_000)]
    home.deliver(
        "messaging_interactions/b.jsonl", [conversation("v", answered, sessions=[session | {"isInteractive": True}])]
    )
    home.run(FEBRUARY, "fct_late_usage")
    late = home.scratch.rows("select file, meter, quantity from quality.fct_late_usage")
    assert {(row["file"], row["meter"], int(row["quantity"])) for row in late} == {
        ("messaging_interactions/b.jsonl", "listening", 1),
        ("messaging_interactions/b.jsonl", "cobrowse_session", 1),
    }
    assert reasons(home)["pa_listening"] == "late_usage"
