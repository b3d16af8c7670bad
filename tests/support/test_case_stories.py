"""Issue 9, rule by rule: cases as a person would tell them, through the models, with promises worked out by hand.

Minutes after the opening. Severity 1 promises a response in 30, updates every 60, an analysis in 2 hours; severity 2
60, 120 and none; severity 3 a response in 240 and nothing else. LEDGER_AS_OF is minute 1,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from case_oracle import EPOCH, MINUTE, Policy, Record, Terms
from cases import AS_OF, SINCE, load, policy
from models.runner import Scratch

START = AS_OF - 1000 * MINUTE
RULES: Policy = policy(
    (
        Terms("1", 30, 60, 2, SINCE),
        Terms("2", 60, 120, None, SINCE),
        Terms("3", 240, None, None, SINCE),
        Terms("4", 10, None, None, SINCE, date(2020, 1, 1)),
    )
)

# name: what happened ("=" says the severity or scope), then (kind, clock started, due, kept, outcome) of each promise
STORIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "a response and updates in time, then resolved": (
        "0 OPENED=1, 20 RESPONDED, 60 UPDATED, 100 RESOLVED, 220 RCA_DELIVERED",
        [
            ("response", 0, 30, 20, "met"), ("update", 0, 60, 60, "met"), ("update", 60, 120, None, "excused"),
            ("rca", 100, 220, 220, "met"),
        ],
    ),
    "one long silence is one missed update": (
        "0 OPENED=2, 1 RESPONDED, 500 UPDATED, 900 UPDATED",
        [
            ("response", 0, 60, 1, "met"), ("update", 0, 120, 500, "missed"), ("update", 500, 620, 900, "missed"),
            ("update", 900, 1020, None, "open"),
        ],
    ),
    "asking is a response and an update, and stops the clocks": (
        "0 OPENED=1, 10 WAITING_ON_CUSTOMER, 200 CUSTOMER_REPLIED, 250 UPDATED",
        [
            ("response", 0, 30, 10, "met"), ("update", 0, 60, 10, "met"), ("update", 10, 260, 250, "met"),
            ("update", 250, 310, None, "missed"),
        ],
    ),
    "nobody replies": (
        "0 OPENED=1, 10 WAITING_ON_CUSTOMER",
        [("response", 0, 30, 10, "met"), ("update", 0, 60, 10, "met"), ("update", 10, 1060, None, "open")],
    ),
    "asked after it was due": (
        "0 OPENED=1, 90 WAITING_ON_CUSTOMER, 100 CUSTOMER_REPLIED, 110 RESOLVED, 111 RCA_DELIVERED",
        [
            ("response", 0, 30, 90, "missed"), ("update", 0, 60, 90, "missed"), ("update", 90, 160, None, "excused"),
            ("rca", 110, 230, 111, "met"),
        ],
    ),
    "the clock ran out in the instant in which the wait began": (
        "0 OPENED=3, 1 RESPONDED, 2 SEVERITY_CHANGED=1, 3 RESPONDED, 4 RESOLVED, 124 WAITING_ON_CUSTOMER, "
        "130 RCA_DELIVERED",
        [
            ("response", 0, 240, 1, "met"), ("response", 2, 32, 3, "met"), ("update", 2, 62, None, "excused"),
            ("rca", 4, 124, 130, "missed"),
        ],
    ),
    "a downgrade does not cure an overdue response": (
        "0 OPENED=1, 31 SEVERITY_CHANGED=3, 40 RESPONDED",
        [
            ("response", 0, 30, None, "missed"), ("update", 0, 60, None, "excused"), ("response", 31, 271, 40, "met"),
        ],
    ),
    "an upgrade starts its own promises": (
        "0 OPENED=3, 10 RESPONDED, 100 SEVERITY_CHANGED=1, 120 RESPONDED, 170 UPDATED, 175 RESOLVED, 400 RCA_DELIVERED",
        [
            ("response", 0, 240, 10, "met"), ("response", 100, 130, 120, "met"), ("update", 100, 160, 170, "missed"),
            ("update", 170, 230, None, "excused"), ("rca", 175, 295, 400, "missed"),
        ],
    ),
    "the same severity again changes nothing": (
        "0 OPENED=2, 50 SEVERITY_CHANGED=2, 60 RESPONDED, 70 RESOLVED",
        [("response", 0, 60, 60, "met"), ("update", 0, 120, None, "excused")],
    ),
    "a reopened case was not resolved": (
        "0 OPENED=1, 1 RESPONDED, 10 RESOLVED, 50 REOPENED, 70 UPDATED, 75 RESPONDED, 80 RESOLVED, 100 RCA_DELIVERED",
        [
            ("response", 0, 30, 1, "met"), ("update", 0, 60, None, "excused"), ("rca", 10, 130, None, "excused"),
            ("response", 50, 80, 75, "met"), ("update", 50, 110, 70, "met"), ("update", 70, 130, None, "excused"),
            ("rca", 80, 200, 100, "met"),
        ],
    ),
    "reopened when its analysis was overdue": (
        "0 OPENED=1, 1 RESPONDED, 2 RESOLVED, 123 REOPENED, 124 RESPONDED, 125 RESOLVED, 126 RCA_DELIVERED",
        [
            ("response", 0, 30, 1, "met"), ("update", 0, 60, None, "excused"), ("rca", 2, 122, None, "missed"),
            ("response", 123, 153, 124, "met"), ("update", 123, 183, None, "excused"), ("rca", 125, 245, 126, "met"),
        ],
    ),
    "what is said after the resolution keeps nothing": (
        "0 OPENED=1, 5 RESOLVED, 10 RESPONDED, 20 UPDATED, 30 RESOLVED, 40 CUSTOMER_REPLIED, 200 RCA_DELIVERED",
        [
            ("response", 0, 30, None, "excused"), ("update", 0, 60, None, "excused"), ("rca", 5, 125, 200, "missed"),
        ],
    ),
    "resolved without a reply": (
        "0 OPENED=1, 10 WAITING_ON_CUSTOMER, 300 RESOLVED",
        [
            ("response", 0, 30, 10, "met"), ("update", 0, 60, 10, "met"), ("update", 10, 360, None, "excused"),
            ("rca", 300, 420, None, "missed"),
        ],
    ),
    "an analysis waits for the customer too": (
        "0 OPENED=1, 1 RESPONDED, 10 RESOLVED, 20 WAITING_ON_CUSTOMER, 500 CUSTOMER_REPLIED, 609 RCA_DELIVERED",
        [("response", 0, 30, 1, "met"), ("update", 0, 60, None, "excused"), ("rca", 10, 610, 609, "met")],
    ),
    "an analysis before the resolution keeps nothing": (
        "0 OPENED=1, 1 RESPONDED, 2 RCA_DELIVERED, 10 RESOLVED",
        [("response", 0, 30, 1, "met"), ("update", 0, 60, None, "excused"), ("rca", 10, 130, None, "missed")],
    ),
    "never covered": (
        "0 OPENED=1:THIRD_PARTY, 500 RESPONDED, 510 UPDATED",
        [
            ("response", 0, 30, 500, "not_covered"), ("update", 0, 60, 510, "not_covered"),
            ("update", 510, 570, None, "not_covered"),
        ],
    ),
    "coverage by interval": (
        "0 OPENED=1, 20 RESPONDED, 50 SCOPE_CHANGED=THIRD_PARTY, 300 SCOPE_CHANGED=COVERED, 350 UPDATED, 351 RESOLVED, "
        "360 SCOPE_CHANGED=CUSTOM_CODE",
        [
            ("response", 0, 30, 20, "met"), ("update", 0, 60, None, "not_covered"),
            ("update", 50, 110, None, "not_covered"), ("update", 300, 360, 350, "met"),
            ("update", 350, 410, None, "excused"), ("rca", 351, 471, None, "not_covered"),
        ],
    ),
    "leaving coverage does not cure what is overdue": (
        "0 OPENED=1, 31 SCOPE_CHANGED=THIRD_PARTY, 40 SCOPE_CHANGED=CUSTOM_CODE, 100 SCOPE_CHANGED=COVERED, "
        "120 RESPONDED",
        [
            ("response", 0, 30, None, "missed"), ("update", 0, 60, None, "not_covered"),
            ("response", 31, 61, None, "not_covered"), ("update", 31, 91, None, "not_covered"),
            ("response", 100, 130, 120, "met"), ("update", 100, 160, None, "missed"),
        ],
    ),
    "an analysis of a case out of scope stays so": (
        "0 OPENED=1:THIRD_PARTY, 1 RESOLVED, 2 SCOPE_CHANGED=COVERED, 3 RCA_DELIVERED",
        [
            ("response", 0, 30, None, "not_covered"), ("update", 0, 60, None, "not_covered"),
            ("rca", 1, 121, 3, "not_covered"),
        ],
    ),
    "what was said before the opening": (
        "-5 RESPONDED, -1 SEVERITY_CHANGED=3, 0 OPENED=1, 40 RESPONDED, 50 RESOLVED, 51 RCA_DELIVERED",
        [("response", 0, 30, 40, "missed"), ("update", 0, 60, None, "excused"), ("rca", 50, 170, 51, "met")],
    ),
    "the opening never arrived": (
        "0 RESPONDED=2, 10 UPDATED, 100 SEVERITY_CHANGED=1, 110 RESPONDED, 150 UPDATED, 160 RESOLVED, "
        "170 RCA_DELIVERED",
        [
            ("update", 10, 130, None, "excused"), ("response", 100, 130, 110, "met"), ("update", 100, 160, 150, "met"),
            ("update", 150, 210, None, "excused"), ("rca", 160, 280, 170, "met"),
        ],
    ),
    "all in one instant": (
        "0 REOPENED, 0 RESOLVED, 0 WAITING_ON_CUSTOMER, 0 UPDATED, 0 RESPONDED, 0 OPENED=1",
        [
            ("response", 0, 30, 0, "met"), ("update", 0, 60, 0, "met"), ("response", 0, 30, None, "missed"),
            ("update", 0, 60, None, "missed"),
        ],
    ),
    "due in the very instant of the run": (
        "940 OPENED=1, 970 SEVERITY_CHANGED=3, 971 SEVERITY_CHANGED=1, 971 RESPONDED, 1000 RESOLVED",
        [
            ("response", 940, 970, None, "excused"), ("update", 940, 1000, None, "excused"),
            ("response", 970, 1210, None, "excused"), ("response", 971, 1001, 971, "met"),
            ("update", 971, 1031, None, "excused"), ("rca", 1000, 1120, None, "open"),
        ],
    ),
    "not yet overdue when the run looks": (
        "940 OPENED=1, 941 RESPONDED",
        [("response", 940, 970, 941, "met"), ("update", 940, 1000, None, "open")],
    ),
    "a severity without a row in force": ("0 OPENED=4, 5 RESPONDED", []),
    "opened after the clock of the run": (
        "1010 OPENED=1, 1020 WAITING_ON_CUSTOMER",
        [
            ("response", 1010, 1040, 1020, "met"), ("update", 1010, 1070, 1020, "met"),
            ("update", 1020, 1080, None, "open"),
        ],
    ),
}  # fmt: skip


def records(name: str, story: str) -> Iterator[Record]:
    for line, step in enumerate(story.split(", "), 1):
        minute, event = step.split()
        event, _, said = event.partition("=")
        severity, _, scope = said.partition(":")
        if event == "SCOPE_CHANGED":
            severity, scope = "", said
        at = START + int(minute) * MINUTE
        yield Record(1, line, "s1", name, event, at, severity or None, scope or None)


@pytest.fixture(scope="module")
def promises() -> dict[str, list[tuple[Any, ...]]]:
    """The promises of every story, all run at once."""
    scratch = Scratch()
    told = [record for name, (story, _) in STORIES.items() for record in records(name, story)]
    load(scratch, [Record(**{**vars(one), "line": line}) for line, one in enumerate(told, 1)], RULES)

    def minute(value: Any) -> float | None:
        return None if value is None else (value - EPOCH).total_seconds() / 60 - START / MINUTE

    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in scratch.rows("select * from support.fct_support_promises"):
        instants = (minute(row["clock_started_at"]), minute(row["due_at"]), minute(row["kept_at"]))
        found.setdefault(row["case_id"], []).append(
            (row["kind"], *(None if one is None else round(one, 3) for one in instants), row["outcome"])
        )
    scratch.close()
    return found


@pytest.mark.parametrize("name", STORIES)
def test_a_case_has_these_promises(promises: dict[str, list[tuple[Any, ...]]], name: str) -> None:
    def ordered(rows: list[tuple[Any, ...]]) -> list[str]:
        return sorted(str((row[0], *(None if one is None else float(one) for one in row[1:4]), row[4])) for row in rows)

    assert ordered(promises.get(name, [])) == ordered(STORIES[name][1])
