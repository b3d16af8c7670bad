"""Support cases lived through event by event, in plain Python: no SQL, no windows, clocks that tick.

What belongs here: the rules of DECISIONS.md "Support" a second time, as a simulation. What does not: how the rows come
about (cases.py) and how the models are run. All instants are epoch milliseconds, all lengths milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = 946_684_800_000  # 2000-01-01T00:00:00Z


@dataclass(frozen=True)
class Record:
    """One line of the feed as it was loaded."""

    content: int  # files are named after it, so a later content has the later path
    line: int
    site: str
    case: str
    event: str | None
    at: int | None
    severity: str | None = None
    scope: str | None = None
    opened_by: str | None = None
    channel: str | None = None
    incident: str | None = None


@dataclass(frozen=True)
class Terms:
    """One row of support_severities.csv."""

    severity: str
    response: int | None  # minutes
    update: int | None  # minutes
    rca: int | None  # hours
    starts: date
    ends: date | None = None
    methods: tuple[str, ...] = ()

    def promised(self, kind: str) -> int | None:
        """Milliseconds."""
        figure = {"response": self.response, "update": self.update, "rca": self.rca}[kind]
        return None if figure is None else figure * MINUTE * (60 if kind == "rca" else 1)


@dataclass(frozen=True)
class Policy:
    """The policy rows that a case meets."""

    terms: Sequence[Terms]
    covered: Mapping[str, bool]
    places: Mapping[str, int]
    responses: frozenset[str]
    updates: frozenset[str]
    openers: Mapping[str, bool]

    def in_force(self, severity: str | None, at: int | None) -> Terms | None:
        if at is None:
            return None
        day = (EPOCH + timedelta(milliseconds=at)).date()
        rows = [row for row in self.terms if row.severity == severity and row.starts <= day]
        rows = [row for row in rows if row.ends is None or day < row.ends]
        assert len(rows) <= 1
        return rows[0] if rows else None


@dataclass
class Promise:
    """A promise and its own stop-watch."""

    kind: str
    severity: str | None
    is_covered: bool
    started: int
    promised: int | None
    is_after_update: bool = False
    ran: int = 0
    paused: int = 0
    due: int | None = None
    kept: int | None = None
    ended: int | None = None
    is_coverage_lost: bool = False

    def tick(self, now: int, then: int, *, is_waiting: bool) -> None:
        """Let time pass. Once due, nothing moves the due instant any more."""
        if self.promised is None or self.due is not None or then <= now:
            return
        if is_waiting:
            self.paused += then - now
            return
        left = self.promised - self.ran
        if then - now >= left:
            self.due = now + left
        self.ran += then - now

    def close(self, at: int) -> None:
        """Stop the watch: had it gone on from here without a wait, it would have been due then."""
        if self.promised is not None and self.due is None:
            self.due = at + self.promised - self.ran

    def outcome(self, as_of: int) -> str:
        assert self.due is not None
        if not self.is_covered:
            return "not_covered"
        if self.kept is not None:
            return "met" if self.kept <= self.due else "missed"
        if self.ended is not None:
            if self.due < self.ended:
                return "missed"
            return "not_covered" if self.is_coverage_lost else "excused"
        return "missed" if self.due < as_of else "open"


def rejected(record: Record, policy: Policy, sites: Iterable[str], as_of: int) -> str | None:
    """Why a record is not usable; None if it is."""
    severities = {row.severity for row in policy.terms}
    if record.site not in sites:
        return "unknown_site"
    if record.at is None:
        return "no_instant"
    if not EARLIEST <= record.at <= as_of + DAY:
        return "implausible_instant"
    if record.event not in policy.places:
        return "unknown_event"
    if record.opened_by not in (None, *policy.openers):
        return "unknown_opener"
    if record.severity not in (None, *severities):
        return "unknown_severity"
    if record.scope not in (None, *policy.covered):
        return "unknown_scope"
    if record.event in ("OPENED", "SEVERITY_CHANGED") and record.severity is None:
        return "no_severity"
    if record.event == "SCOPE_CHANGED" and record.scope is None:
        return "no_scope"
    return None


def counted(
    records: Iterable[Record], policy: Policy, sites: Iterable[str], as_of: int
) -> dict[tuple[str, str], list[Record]]:
    """The events of each case in order, each once: of several copies the last path, then the later line."""
    winners: dict[tuple[Any, ...], Record] = {}
    for record in sorted(records, key=lambda one: (one.content, one.line)):
        if rejected(record, policy, sites, as_of) is None:
            winners[record.site, record.case, record.event, record.at] = record
    cases: dict[tuple[str, str], list[Record]] = {}
    for record in winners.values():
        cases.setdefault((record.site, record.case), []).append(record)
    for events in cases.values():
        events.sort(key=lambda one: (one.at, policy.places[one.event]))
    return cases


@dataclass
class Case:
    """A case as it lives: what holds now, which promises run, which are over."""

    policy: Policy
    severity: str | None = None
    scope: str | None = None
    is_resolved: bool = False
    is_waiting: bool = False
    has_responded: bool = False
    opened_at: int | None = None
    first_response: int | None = None
    resolved_at: int | None = None
    reopened_at: int | None = None
    reopenings: int = 0
    rca_at: int | None = None
    paused: int = 0
    running: dict[str, Promise] = field(default_factory=dict)
    over: list[Promise] = field(default_factory=list)

    @property
    def is_covered(self) -> bool:
        return self.scope is None or self.policy.covered[self.scope]

    def pass_time(self, now: int, then: int) -> None:
        for promise in self.running.values():
            promise.tick(now, then, is_waiting=self.is_waiting)
        if self.is_waiting and not self.is_resolved and then > now:
            self.paused += then - now

    def start(self, kind: str, at: int, *, is_after_update: bool = False) -> None:
        terms = self.policy.in_force(self.severity, at)
        promised = terms.promised(kind) if terms else None
        assert kind not in self.running
        self.running[kind] = Promise(kind, self.severity, self.is_covered, at, promised, is_after_update)

    def end(self, kind: str, at: int, *, is_kept: bool, is_coverage_lost: bool = False) -> None:
        promise = self.running.pop(kind, None)
        if promise is None:
            return
        promise.close(at)
        promise.ended, promise.is_coverage_lost = at, is_coverage_lost
        if is_kept:
            promise.kept = at
        is_empty = promise.started == at and (not is_kept or promise.is_after_update)
        if promise.promised is not None and not is_empty:
            self.over.append(promise)

    def happen(self, record: Record, *, is_opening: bool, is_headless: bool) -> None:
        at, event = record.at, record.event
        was_resolved, was_covered, first = self.is_resolved, self.is_covered, self.severity is None and is_opening
        old_severity = self.severity
        if is_opening or is_headless or event == "SEVERITY_CHANGED":
            self.severity = record.severity or self.severity
        if is_opening or is_headless or event == "SCOPE_CHANGED":
            self.scope = record.scope or self.scope
        resolves = event == "RESOLVED" and not was_resolved
        reopens = event == "REOPENED" and was_resolved
        if event in ("RESOLVED", "REOPENED"):
            self.is_resolved = event == "RESOLVED"
        answers = event in self.policy.responses and not was_resolved
        informs = event in self.policy.updates and not was_resolved
        flips = not is_opening and self.is_covered != was_covered
        changes = event == "SEVERITY_CHANGED" and self.severity != old_severity
        afresh = not self.is_resolved and (is_opening or reopens or changes)
        anew = afresh or (flips and not self.is_resolved)
        lost = flips and not self.is_covered
        assert first or not is_opening

        for kind, keeps in (("response", answers), ("update", informs)):
            if keeps or anew or resolves:
                self.end(kind, at, is_kept=keeps, is_coverage_lost=lost)
        delivers = event == "RCA_DELIVERED" and was_resolved
        if delivers or reopens or lost:
            self.end("rca", at, is_kept=delivers, is_coverage_lost=lost)

        if answers:
            self.has_responded = True
            self.first_response = self.first_response if self.first_response is not None else at
        if afresh:
            self.has_responded = False
        if anew and not self.has_responded:
            self.start("response", at)
        if anew or (informs and not self.is_resolved):
            self.start("update", at, is_after_update=informs)
        if resolves:
            self.start("rca", at)

        if is_opening:
            self.opened_at = at
        if resolves:
            self.resolved_at, self.rca_at, self.is_waiting = at, None, False
        if reopens:
            self.resolved_at, self.rca_at, self.reopened_at = None, None, at
            self.reopenings += 1
        if delivers and self.rca_at is None:
            self.rca_at = at
        if event == "WAITING_ON_CUSTOMER":
            self.is_waiting = True
        elif event == "CUSTOMER_REPLIED":
            self.is_waiting = False


def live(events: Sequence[Record], policy: Policy, as_of: int) -> tuple[Case, list[Record]]:
    """Run one case's events to LEDGER_AS_OF; also the events that took part."""
    openings = [number for number, record in enumerate(events) if record.event == "OPENED"]
    timeline = list(events[openings[0] :] if openings else events)
    case = Case(policy)
    if not openings:
        # A case without its opening was resolved before it was reopened.
        case.is_resolved = timeline[0].event == "REOPENED"
        case.scope = timeline[0].scope
    now = timeline[0].at
    for number, record in enumerate(timeline):
        case.pass_time(now, record.at)
        now = record.at
        case.happen(record, is_opening=bool(openings) and number == 0, is_headless=not openings)
    case.pass_time(now, as_of)
    for promise in case.running.values():
        promise.close(max(now, as_of))
        if promise.promised is not None:
            case.over.append(promise)
    return case, timeline


def promise_rows(case: Case, as_of: int) -> list[dict[str, Any]]:
    """The promises of a case as rows, numbered by kind."""
    rows = []
    for kind in ("response", "update", "rca"):
        # Of two that start in one instant, the one that was over first began first.
        own = [promise for promise in case.over if promise.kind == kind]
        own.sort(key=lambda promise: promise.started)
        for number, promise in enumerate(own, 1):
            rows.append(
                {
                    "kind": kind,
                    "sequence": number,
                    "severity": promise.severity,
                    "clock_started_at": promise.started,
                    "due_at": promise.due,
                    "paused": promise.paused,
                    "kept_at": promise.kept,
                    "outcome": promise.outcome(as_of),
                }
            )
    return rows
