"""The gate's questions about support: silent on what the models make, loud when it is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from case_oracle import MINUTE, Record
from cases import instant, load
from models.runner import ROOT, Scratch
from test_case_stories import RULES, START, STORIES, records

import demo
from demo.support import support_files

PROMISES, CASES, LEVELS = "support.fct_support_promises", "support.fct_support_cases", "support.fct_service_levels"
# What is broken, and the one control that tells.
BREAKS = (
    (
        "clocks_are_not_negative",
        f"update {PROMISES} set kept_at = clock_started_at - interval 1 minute where sequence = 1",
    ),
    ("clocks_are_not_negative", f"update {PROMISES} set paused_minutes = -1 where sequence = 1"),
    ("clocks_are_not_negative", f"update {PROMISES} set due_at = due_at + interval 1 second where sequence = 1"),
    ("open_promises_are_judged_as_of_the_run", f"update {PROMISES} set outcome = 'open' where outcome = 'missed'"),
    ("promises_add_up_to_service_levels", f"delete from {LEVELS} where kind = 'rca'"),
    ("promises_add_up_to_service_levels", f"update {LEVELS} set met = met + 1"),
    ("every_case_has_its_events", f"delete from {CASES} where case_id = 'nobody replies'"),
    ("every_case_has_its_events", "delete from support.fct_support_case_events where event = 'RESPONDED'"),
    ("every_case_has_its_opening", f"update {CASES} set opened_at = null where case_id = 'nobody replies'"),
    ("every_severity_is_promised_something", "delete from policy.support_severities where severity = '3'"),
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()


@pytest.fixture(scope="module")
def controls() -> dict[str, str]:
    """The controls of this schema by name: those named here, and any added later."""
    document = yaml.safe_load((ROOT / "expectations" / "outgoing.yml").read_text(encoding="utf-8"))
    return {one["name"]: one["rows"] for one in document["controls"] if one.get("table", "").startswith("support.")}


def told(scratch: Scratch) -> None:
    """All stories but those that a gate warns of."""
    odd = ("the opening never arrived", "a severity without a row in force")
    rows = [one for name, (story, _) in STORIES.items() if name not in odd for one in records(name, story)]
    load(scratch, [Record(**{**vars(one), "line": line}) for line, one in enumerate(rows, 1)], RULES)


def speaking(scratch: Scratch, controls: dict[str, str]) -> set[str]:
    return {name for name, rows in controls.items() if scratch.rows(rows)}


def test_every_control_is_broken_here(controls: dict[str, str]) -> None:
    assert {name for name, _ in BREAKS} == set(controls)


def test_what_the_models_make_passes(scratch: Scratch, controls: dict[str, str]) -> None:
    told(scratch)
    assert speaking(scratch, controls) == set()


@pytest.mark.parametrize(("name", "change"), BREAKS)
def test_a_control_tells_what_is_broken(scratch: Scratch, controls: dict[str, str], name: str, change: str) -> None:
    told(scratch)
    scratch.connection.execute(change)
    assert name in speaking(scratch, controls)


def test_rejected_events_come_in_by_themselves(scratch: Scratch) -> None:
    """SPEC 5: nothing is loaded again, a policy row alone makes them usable."""
    rows = [
        Record(1, 1, "s1", "c", "OPENED", START, "5", "GARDENING", "NEIGHBOUR"),
        Record(1, 2, "s1", "c", "PRAISED", START + MINUTE),
    ]
    load(scratch, rows, RULES)
    reasons = "select coalesce(rejected_reason, 'counted') as reason from intermediate.int_case_event_copies order by 1"
    assert [row["reason"] for row in scratch.rows(reasons)] == ["unknown_event", "unknown_opener"]
    fifth = {"severity": "5", "response_minutes": 5, "effective_from": "2020-01-01"}
    for table, row, left in (
        ("support_openers", {"opened_by": "NEIGHBOUR", "has_contact_method": False}, "unknown_severity"),
        ("support_severities", fifth, "unknown_scope"),
        ("support_scopes", {"scope": "GARDENING", "is_covered": True}, "counted"),
    ):
        scratch.add(f"policy.{table}", [row])
        scratch.run("fct_support_promises")
        assert [row["reason"] for row in scratch.rows(reasons)] == sorted(["unknown_event", left])
    praised = {"event": "PRAISED", "place_in_instant": 11, "is_response": True, "is_update": False}
    scratch.add("policy.support_events", [praised])
    scratch.run("fct_support_promises")
    assert [row["outcome"] for row in scratch.rows(f"select outcome from {PROMISES}")] == ["met"]


def test_the_sample_data_shows_every_outcome_of_every_kind(scratch: Scratch) -> None:
    """`make demo`, at the instant at which its draft is made."""
    scratch.fill_policy(names=[name for name in scratch.project.policy if name.startswith("support_")])
    lines = [json.loads(line) for data in support_files().values() for line in data.decode().splitlines()]
    rows = [
        {"content_id": 1, "record_index": number, "site_id": one["accountId"], "case_id": one["caseId"],
         "opened_by": one["openedBy"], "severity": one["severity"], "channel": one.get("channel"),
         "event": one["event"], "occurred_at": instant(one["timestampL"]), "scope": one["scope"]}
        for number, one in enumerate(lines, 1)
    ]  # fmt: skip
    site = {"content_id": 0, "account_id": "a", "time_zone": "UTC", "listening_enabled": False}
    sites = [
        site | {"record_index": number, "site_id": name, "effective_at": "2020-01-01 00:00:00+00"}
        for number, name in enumerate({row["site_id"] for row in rows})
    ]
    scratch.fill("raw.run_settings", [{"as_of": demo.AS_OF_RUN, "period": "2026-04-01", "tzdata_version": "-"}])
    scratch.fill("raw.sites", sites)
    scratch.give("int_files", [{"content_id": 1, "file": "support_cases/sample.jsonl"}])
    scratch.fill("raw.support_case_events", rows)
    scratch.run("fct_support_promises", "fct_support_cases")
    shown = {(row["kind"], row["outcome"]) for row in scratch.rows(f"select distinct kind, outcome from {PROMISES}")}
    judged = {(kind, outcome) for kind in ("response", "update", "rca") for outcome in ("met", "missed", "not_covered")}
    assert shown >= judged | {("update", "open"), ("update", "excused"), ("rca", "excused")}
    valid = {row["is_contact_method_valid"] for row in scratch.rows(f"select is_contact_method_valid from {CASES}")}
    assert valid == {True, False, None}
