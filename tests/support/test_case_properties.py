"""Issue 9: whatever events arrive, the models' clocks are those of the simulation, to the millisecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from case_oracle import EPOCH, MINUTE, Policy, Record, counted, live, promise_rows, rejected
from cases import AS_OF, SITES, batches, load
from hypothesis import given, settings
from hypothesis import strategies as st
from models.runner import Scratch

EXAMPLES = settings().max_examples


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()


def ms(value: datetime | None) -> int | None:
    if value is None:
        return None
    since = value - EPOCH
    assert since.microseconds % 1000 == 0
    return (since.days * 86400 + since.seconds) * 1000 + since.microseconds // 1000


def minutes(length: int) -> Decimal:
    """Six decimals, rounded half up; no length is negative."""
    assert length >= 0
    millionths = (length * 1_000_000 * 2 + MINUTE) // (2 * MINUTE)
    return Decimal(millionths) / 1_000_000


def promises(scratch: Scratch) -> list[dict[str, Any]]:
    rows = scratch.rows("select * from support.fct_support_promises")
    instants = ("clock_started_at", "due_at", "kept_at")
    return [row | {name: ms(row[name]) for name in instants} for row in rows]


PROMISE = ("kind", "sequence", "severity", "clock_started_at", "due_at", "kept_at", "outcome")


def check_promises(scratch: Scratch, records: Sequence[Record], policy: Policy, as_of: int) -> None:
    found: dict[tuple[str, str], list[Any]] = {}
    for row in promises(scratch):
        found.setdefault((row["site_id"], row["case_id"]), []).append(
            (*(row[name] for name in PROMISE), row["paused_minutes"])
        )
    expected: dict[tuple[str, str], list[Any]] = {}
    for key, events in counted(records, policy, SITES, as_of).items():
        rows = promise_rows(live(events, policy, as_of)[0], as_of)
        if rows:
            expected[key] = [(*(row[name] for name in PROMISE), minutes(row["paused"])) for row in rows]
    for key in sorted({*found, *expected}):
        assert sorted(found.get(key, [])) == sorted(expected.get(key, [])), key


def check_cases(scratch: Scratch, records: Sequence[Record], policy: Policy, as_of: int) -> None:
    rows = {(row["site_id"], row["case_id"]): row for row in scratch.rows("select * from support.fct_support_cases")}
    cases = counted(records, policy, SITES, as_of)
    assert rows.keys() == cases.keys()
    for key, events in cases.items():
        row, (case, timeline) = rows[key], live(events, policy, as_of)
        first = {
            name: next((getattr(one, name) for one in timeline if getattr(one, name)), None)
            for name in ("opened_by", "channel")
        }
        terms = policy.in_force(timeline[0].severity, case.opened_at)
        is_judged = terms and first["channel"] and policy.openers.get(first["opened_by"])
        assert row["account_id"] == SITES[key[0]]
        assert row["severity"] == case.severity
        assert (row["scope"], row["is_covered"]) == (case.scope, case.is_covered)
        assert row["status"] == ("resolved" if case.is_resolved else "waiting" if case.is_waiting else "open")
        for name, value in (
            ("opened_at", case.opened_at), ("first_response_at", case.first_response),
            ("resolved_at", case.resolved_at), ("reopened_at", case.reopened_at), ("rca_delivered_at", case.rca_at),
        ):  # fmt: skip
            assert (key, name, ms(row[name])) == (key, name, value)
        assert (row["opened_by"], row["channel"]) == (first["opened_by"], first["channel"])
        assert row["reopenings"] == case.reopenings
        assert row["paused_minutes"] == minutes(case.paused)
        assert row["events"] == len(timeline)
        expected = (not terms.methods or first["channel"] in terms.methods) if is_judged else None
        assert row["is_contact_method_valid"] is expected


def check_records(scratch: Scratch, records: Sequence[Record], policy: Policy, as_of: int) -> None:
    """Every record once: an event, another copy, before the opening, or rejected with its reason."""
    reasons = Counter(filter(None, (rejected(record, policy, SITES, as_of) for record in records)))
    rows = scratch.rows("select * from intermediate.int_case_event_copies")
    assert len(rows) == len(records)
    assert Counter(row["rejected_reason"] for row in rows if row["rejected_reason"]) == reasons
    events = scratch.rows("select * from support.fct_support_case_events")
    cases = counted(records, policy, SITES, as_of)
    assert len(events) == sum(row["place"] == 1 for row in rows) == sum(map(len, cases.values()))
    before = sum(len(own) - len(live(own, policy, as_of)[1]) for own in cases.values())
    assert sum(row["is_before_opening"] for row in events) == before
    copies: dict[Any, list[Record]] = {}
    for record in records:
        if rejected(record, policy, SITES, as_of) is None:
            copies.setdefault((record.site, record.case, record.event, record.at), []).append(record)
    stated = ("opened_by", "severity", "channel", "scope", "incident")
    conflicts = sum(
        any(len({getattr(one, name) for one in own} - {None}) > 1 for name in stated) for own in copies.values()
    )
    assert scratch.rows("select count(*) as n from intermediate.int_case_event_conflicts") == [{"n": conflicts}]


def check_bounds(scratch: Scratch, as_of: int) -> None:
    """What must hold whatever the simulation says."""
    levels: Counter[Any] = Counter()
    for row in promises(scratch):
        kept, due, outcome = row["kept_at"], row["due_at"], row["outcome"]
        assert row["paused_minutes"] >= 0
        assert row["clock_started_at"] < due
        assert kept is None or kept >= row["clock_started_at"]
        assert minutes(due - row["clock_started_at"]) == row["promised_minutes"] + row["paused_minutes"]
        assert (outcome == "met") <= (kept is not None and kept <= due)
        assert (outcome == "open") <= (kept is None and due >= as_of)
        assert (outcome == "missed") <= (due < (kept or 10**18))
        levels[outcome] += 1
    rows = scratch.rows("select * from support.fct_service_levels")
    for outcome in ("met", "missed", "open", "excused", "not_covered"):
        assert sum(row[outcome] for row in rows) == levels[outcome]
    for row in rows:
        judged = row["met"] + row["missed"]
        share = Fraction(row["met"], judged) if judged else None
        assert (row["percent"] is None) == (share is None)
        assert share is None or abs(Fraction(row["percent"]) - share) <= Fraction(1, 2_000_000)


@settings(max_examples=EXAMPLES)
@given(batches(), st.sampled_from([AS_OF, AS_OF, AS_OF - 5 * 24 * 60 * MINUTE]))
def test_clocks_are_those_of_the_simulation(scratch: Scratch, batch: Any, as_of: int) -> None:
    records, policy = batch
    load(scratch, records, policy, as_of)
    check_records(scratch, records, policy, as_of)
    check_cases(scratch, records, policy, as_of)
    check_promises(scratch, records, policy, as_of)
    check_bounds(scratch, as_of)


@settings(max_examples=max(5, EXAMPLES // 5))
@given(batches(cases=6), st.randoms(use_true_random=False))
def test_the_order_of_arrival_changes_nothing(scratch: Scratch, batch: Any, order: Any) -> None:
    """Without contradicting copies, any files in any order, any of them twice, give the same rows."""
    records, policy = batch
    seen: dict[Any, Record] = {}
    for record in records:
        seen.setdefault((record.site, record.case, record.event, record.at), record)
    once = list(seen.values())
    load(scratch, once, policy)
    wanted = ("fct_support_cases", "fct_support_promises", "fct_service_levels")
    marts = {mart: scratch.rows(f"select * from support.{mart} order by all") for mart in wanted}
    again = [*once, *order.sample(once, len(once) // 2)]
    order.shuffle(again)
    load(scratch, [replace(one, content=order.randint(1, 5), line=line) for line, one in enumerate(again, 1)], policy)
    for mart, rows in marts.items():
        assert scratch.rows(f"select * from support.{mart} order by all") == rows


@settings(max_examples=max(5, EXAMPLES // 5))
@given(batches(cases=6), st.integers(0, 24 * 60 * MINUTE))
def test_a_later_clock_only_settles_what_was_open(scratch: Scratch, batch: Any, later: int) -> None:
    """LEDGER_AS_OF moves nothing but open promises and waits that last: no judged promise is judged again."""
    records, policy = batch
    records = [record for record in records if record.at is not None and record.at <= AS_OF]
    key = ("site_id", "case_id", "kind", "sequence")
    load(scratch, records, policy, AS_OF)
    before = {tuple(row[name] for name in key): row for row in promises(scratch)}
    load(scratch, records, policy, AS_OF + later)
    after = {tuple(row[name] for name in key): row for row in promises(scratch)}
    assert before.keys() == after.keys()
    for name, row in before.items():
        if row["outcome"] in ("met", "missed", "excused"):
            assert after[name] == row
        elif row["outcome"] == "open":
            assert after[name]["outcome"] in ("open", "missed")
            assert after[name]["due_at"] >= row["due_at"]
