"""Gates: what one contract lacks holds that contract, what lies across contracts stops everything, and how to go on."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from oracle.compare import differences

from end_to_end import billed
from end_to_end.story_gates import APRIL, MAY, Gates


def test_a_contract_with_unrated_usage_is_held_and_the_others_go_out(gates_story: Gates) -> None:
    assert gates_story.held.status == 0
    assert "1 of these documents are held (beta-2026)" in gates_story.held.output
    assert gates_story.statuses_held == {"alpha-2026": "draft", "beta-2026": "held"}


def test_a_close_leaves_the_held_contract_out_of_the_seal_and_lists_it(gates_story: Gates) -> None:
    assert gates_story.sealed_contracts == {"alpha-2026"}
    assert [(contract, check) for contract, check, *_ in gates_story.sealed_holds] == [("beta-2026", "unrated_usage")]
    assert gates_story.statuses_closed["alpha-2026"] == "final"


@pytest.mark.parametrize(
    ("name", "last", "before"),
    [
        ("stray", "usage_without_a_contract_is_acknowledged", "int_contract_holds"),
        ("missing", "The gate `outgoing` of 2026-05 failed, nothing was published", "sealed_files_are_still_there"),
        ("emptied", "there_are_sites", "raw.sites"),
        ("broken suite", "outgoing.yml", ""),
    ],
)
def test_what_stops_a_run_is_named_and_changes_nothing(
    name: str, last: str, before: str, gates_story: Gates
) -> None:
    stopped = gates_story.stopped[name]
    assert stopped.answer.status == 1, str(stopped.answer)
    assert last in stopped.answer.last_line, str(stopped.answer)
    assert before in stopped.answer.messages, str(stopped.answer)
    assert "Traceback" not in stopped.answer.messages
    assert stopped.changed == []


def test_what_was_held_is_billed_at_the_next_close_once_acknowledged(gates_story: Gates) -> None:
    assert gates_story.billed_later is not None
    assert gates_story.billed_later.status == 0, str(gates_story.billed_later)
    beta = [row for row in gates_story.adjustments if row[0] == "beta-2026"]
    assert {row[2] for row in beta} == {"2026-03-01"}
    assert all("held" in row[3] for row in beta), beta
    # Three sessions and the one of the unmapped conversation: four at 0.39.
    assert ("starter_cobrowse", "4.000000", "1.5600") in {(row[1], row[4], row[5]) for row in beta}


def test_seals_and_adjustments_are_the_oracles(gates_story: Gates) -> None:
    landing, policy = gates_story.landing, gates_story.policy
    assert landing is not None and policy is not None and gates_story.published is not None
    march = billed.Moment(landing, policy, datetime.fromisoformat(APRIL["LEDGER_AS_OF"]), date(2026, 3, 1),
                          frozenset({"beta-2026"}))  # fmt: skip
    april = billed.Moment(landing, policy, datetime.fromisoformat(MAY["LEDGER_AS_OF"]), date(2026, 4, 1))
    found = differences(gates_story.published, billed.expected([march, april], april))
    assert not found, "\n".join(found)


def test_a_withdrawn_file_leaves_its_sealed_period_by_an_adjustment(gates_story: Gates) -> None:
    assert gates_story.withdrawn is not None
    assert gates_story.withdrawn.status == 0, str(gates_story.withdrawn)
    found = {(row[0], row[1]): row[2:] for row in gates_story.withdrawals}
    assert found["alpha-2026", "starter_cobrowse"] == ("2026-03-01", "withdrawn", "-1.000000", "-0.3900")
    assert {contract for contract, _ in found} == {"alpha-2026"}
    assert {row[1] for row in found.values()} == {"withdrawn"}
