"""Support cases for the models: random ones, and the way of rows into a scratch warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from case_oracle import EPOCH, MINUTE, Policy, Record, Terms
from hypothesis import strategies as st
from models.runner import Scratch

AS_OF = 1_777_000_000_000  # 2026-04-24T03:06:40Z
START = AS_OF - 6 * 24 * 60 * MINUTE
SITES = {"s1": "first", "s2": "second"}
EVENTS = (
    "OPENED", "SCOPE_CHANGED", "SEVERITY_CHANGED", "RESPONDED", "UPDATED", "WAITING_ON_CUSTOMER", "CUSTOMER_REPLIED",
    "RESOLVED", "RCA_DELIVERED", "REOPENED",
)  # fmt: skip
SCOPES = {"COVERED": True, "THIRD_PARTY": False, "CUSTOM_CODE": False}
OPENERS = {"CUSTOMER": True, "NOC": False}
CHANNELS = (None, "CHAT", "EMAIL")
SINCE = date(1990, 1, 1)
CHANGE = (EPOCH + timedelta(milliseconds=START + 2 * 24 * 60 * MINUTE)).date()
MARTS = ("fct_support_cases", "fct_support_promises", "fct_support_case_events", "fct_service_levels")


def instant(at: int | None) -> str | None:
    """Epoch milliseconds as SQL reads them."""
    return None if at is None else (EPOCH + timedelta(milliseconds=at)).isoformat()


def policy(
    terms: Sequence[Terms], updates: frozenset[str] = frozenset(), responses: frozenset[str] = frozenset()
) -> Policy:
    """The project's event rules, with more events that keep promises."""
    return Policy(
        tuple(terms),
        SCOPES,
        {event: place for place, event in enumerate(EVENTS, 1)},
        frozenset({"RESPONDED", "WAITING_ON_CUSTOMER"}) | responses,
        frozenset({"UPDATED", "WAITING_ON_CUSTOMER"}) | updates,
        OPENERS,
    )


def load(scratch: Scratch, records: Sequence[Record], rules: Policy, as_of: int = AS_OF) -> None:
    """Put records and policy into the warehouse and build the support marts."""
    contents = {record.content for record in records}
    scratch.fill("raw.run_settings", [{"as_of": instant(as_of), "period": "2026-04-01", "tzdata_version": "-"}])
    scratch.fill(
        "raw.sites",
        [
            {"content_id": 0, "record_index": number, "site_id": site, "account_id": account, "time_zone": "UTC",
             "listening_enabled": False, "effective_at": "2020-01-01 00:00:00+00"}
            for number, (site, account) in enumerate(SITES.items())
        ],
    )  # fmt: skip
    scratch.give("int_files", [{"content_id": one, "file": f"support_cases/{one:03}.jsonl"} for one in contents])
    scratch.fill(
        "raw.support_case_events",
        [
            {"content_id": one.content, "record_index": one.line, "site_id": one.site, "case_id": one.case,
             "event": one.event, "occurred_at": instant(one.at), "severity": one.severity, "scope": one.scope,
             "opened_by": one.opened_by, "channel": one.channel, "incident_id": one.incident}
            for one in records
        ],
    )  # fmt: skip
    scratch.fill(
        "policy.support_severities",
        [
            {"severity": row.severity, "name": row.severity, "contact_methods": "|".join(row.methods) or None,
             "response_minutes": row.response, "update_interval_minutes": row.update,
             "root_cause_analysis_hours": row.rca, "effective_from": row.starts, "effective_to": row.ends}
            for row in rules.terms
        ],
    )  # fmt: skip
    scratch.fill("policy.support_scopes", [{"scope": key, "is_covered": value} for key, value in rules.covered.items()])
    scratch.fill(
        "policy.support_events",
        [
            {"event": event, "place_in_instant": place, "is_response": event in rules.responses,
             "is_update": event in rules.updates}
            for event, place in rules.places.items()
        ],
    )  # fmt: skip
    scratch.fill(
        "policy.support_openers",
        [{"opened_by": key, "has_contact_method": value} for key, value in rules.openers.items()],
    )
    scratch.run(*MARTS, "int_case_event_conflicts")


# Few lengths and few instants, so that clocks run out exactly on an event, and events share an instant.
MINUTES = st.sampled_from([1, 2, 3, 5, 20])
# What keeps promises, starts them and stops their clocks, more often than the rest.
LIKELY = (
    *EVENTS, "UPDATED", "WAITING_ON_CUSTOMER", "WAITING_ON_CUSTOMER", "CUSTOMER_REPLIED", "RESOLVED", "RESPONDED",
    "SCOPE_CHANGED",
)  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Three severities, one with a change of its row, some promising nothing; sometimes other events that keep."""
    terms = []
    for severity in "123":
        figures = [draw(st.none() | MINUTES), draw(st.none() | MINUTES), draw(st.none() | st.sampled_from([1, 2, 24]))]
        methods = draw(st.sampled_from([(), ("CHAT",), ("CHAT", "EMAIL")]))
        row = Terms(severity, *figures, SINCE, None, methods)
        if draw(st.booleans()):
            later = replace(row, starts=CHANGE, response=draw(MINUTES), update=draw(MINUTES))
            terms += [replace(row, ends=CHANGE), later]
        else:
            terms.append(row)
    if draw(st.booleans()):
        terms[0] = replace(terms[0], starts=CHANGE - timedelta(days=1))  # nothing was promised before
    more = st.frozensets(st.sampled_from(["UPDATED", "RESPONDED", "RESOLVED"]), max_size=2)
    return policy(terms, draw(more), draw(more))


@st.composite
def stories(draw: st.DrawFn, case: str) -> list[Record]:
    """One case: any events at any time, in any order, some repeated, the opening often missing."""
    site = draw(st.sampled_from(sorted(SITES)))
    # Dense: clocks run out on events and events share instants. Wide: any millisecond. Late: around LEDGER_AS_OF.
    minute = st.integers(0, 8).map(lambda step: step * MINUTE)
    moment = draw(
        st.sampled_from(
            [
                minute,
                minute,
                st.one_of(minute, minute.map(lambda at: at * 10)),
                st.integers(0, 7 * 24 * 60 * MINUTE - 1),
                st.integers(-20, 20).map(lambda step: AS_OF - START + step * MINUTE),
            ]
        )
    )
    records = []
    if draw(st.integers(0, 9)):
        records.append(
            Record(1, 0, site, case, "OPENED", START + draw(minute), draw(st.sampled_from("123")),
                   draw(st.sampled_from([None, *SCOPES])), draw(st.sampled_from([None, *OPENERS])),
                   draw(st.sampled_from(CHANNELS)))
        )  # fmt: skip
    events = st.lists(st.sampled_from(LIKELY), min_size=draw(st.integers(1, 10)), max_size=14)
    for event in draw(events):
        needs_severity = event in ("OPENED", "SEVERITY_CHANGED")
        records.append(
            Record(
                draw(st.integers(1, 3)), 0, site, case, event, START + draw(moment),
                draw(st.sampled_from("123") if needs_severity else st.sampled_from([None, "1", "2"])),
                draw(st.sampled_from(sorted(SCOPES)) if event == "SCOPE_CHANGED" else st.sampled_from([None, *SCOPES])),
                draw(st.sampled_from([None, *OPENERS])), draw(st.sampled_from(CHANNELS)),
            )
        )  # fmt: skip
    for copied in draw(st.lists(st.sampled_from(records), max_size=4)):
        changed = {"content": draw(st.integers(1, 3))}
        if draw(st.booleans()):
            changed["severity"] = draw(st.sampled_from("123"))
        records.append(replace(copied, **changed))
    for broken in draw(st.lists(st.sampled_from(records), max_size=2)):
        fault = draw(st.sampled_from(FAULTS))
        records.append(replace(broken, **fault))
    return records


FAULTS: tuple[Mapping[str, Any], ...] = (
    {"site": "s9"}, {"at": None}, {"at": 946_684_799_999}, {"at": AS_OF + 24 * 60 * MINUTE + 1}, {"event": "SNEEZED"},
    {"event": None}, {"opened_by": "NEIGHBOUR"}, {"severity": "9"}, {"scope": "GARDENING"},
    {"event": "OPENED", "severity": None}, {"event": "SCOPE_CHANGED", "scope": None},
)  # fmt: skip


@st.composite
def batches(draw: st.DrawFn, cases: int = 12) -> tuple[list[Record], Policy]:
    """Many cases at once, their records shuffled over the files, with the policy they meet."""
    records = [record for number in range(cases) for record in draw(stories(f"c{number:02}"))]
    order = draw(st.randoms(use_true_random=False))
    order.shuffle(records)
    return [replace(record, line=number) for number, record in enumerate(records, 1)], draw(policies())
