"""Closing against the oracle (SPEC section 4): late usage, changed terms, held contracts, corrections, withdrawals.

Whatever the order in which things arrive, run and close: what the seals and the draft bill for a usage period is what
it costs from all its usage at once; the same inputs give the same bytes; nothing sealed changes unseen.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from house import CHARGES, CONTRACTS, LAST, PERIODS, SITES, House, conversation, invocation, message, millis, site
from hypothesis import given, settings
from hypothesis import strategies as st
from models.runner import Scratch

from orchestration import sealing
from orchestration.settings import LedgerError

EXAMPLES = settings().max_examples
ZONES = {"s1": "America/New_York", "s2": "Asia/Kolkata", "s3": "Pacific/Auckland"}
# Local clocks around the ends of months, and the midst of them.
CLOCKS = ("01-01 00:00", "01-09 23:59", "01-20 12:00", "01-31 23:50", "02-01 00:10", "02-14 09:00", "02-28 23:59",
          "03-01 00:00", "03-15 18:00", "03-31 23:00")  # fmt: skip


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, scratch: Scratch) -> House:
    return House(tmp_path / "home", scratch)


# --- random scenarios ------------------------------------------------------------------------------------------------


@dataclass
class Story:
    """Files by path, and the steps in order; three of them are closes."""

    files: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    steps: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def changes_terms(self) -> bool:
        return any(step[0] in ("price", "cut") for step in self.steps)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story()
    files = draw(st.integers(2, 4))
    names = [f"messaging_interactions/{number}.jsonl{'.gz' * (number % 2)}" for number in range(files)]
    names += [f"function_invocations/{number}.jsonl" for number in range(2)]
    for name in names:
        story.files[name] = []
    for number in range(draw(st.integers(3, 9))):
        site_id = draw(st.sampled_from(sorted(ZONES)))
        clocks = sorted(draw(st.lists(st.sampled_from(CLOCKS), min_size=1, max_size=3)))
        record = conversation(
            f"v{number}",
            [
                message(f"m{place}", millis(f"2026-{clock}", ZONES[site_id]), draw(st.sampled_from(["Consumer", "Agent"])),
                        **({"who": f"k{number % 3}"} if draw(st.booleans()) else {}))
                for place, clock in enumerate(clocks)
            ],
            site_id=site_id,
            source=draw(st.sampled_from(["SHARK", "SHARK", "SMS", "ODD"])),
            consumers=[f"k{number % 3}"],
        )  # fmt: skip
        # A conversation is exported once, or again in another file, whole or as far as it was then.
        chosen = draw(st.lists(st.sampled_from(names[:files]), min_size=1, max_size=2, unique=True))
        for place, name in enumerate(chosen):
            is_short = place and len(record["messageRecords"]) > 1 and draw(st.booleans())
            story.files[name].append(record | ({"messageRecords": record["messageRecords"][:1]} if is_short else {}))
    for number in range(draw(st.integers(0, 5))):
        site_id = draw(st.sampled_from(sorted(ZONES)))
        at = millis(f"2026-{draw(st.sampled_from(CLOCKS))}", ZONES[site_id])
        count = draw(st.sampled_from([None, 9, 10, 11, 260, 261, 600]))
        record = invocation(f"i{number}", at, count, accountId=site_id)
        story.files[draw(st.sampled_from(names[files:]))].append(record)
    changes = draw(
        st.sets(
            st.sampled_from(
                ["price", "cut", "reprice", "zone", "credit", "credit2", "map", "ack", "ack2", "withdraw", "redeliver"]
            ),
            max_size=5,
        )
    )
    steps: list[tuple[Any, ...]] = [("deliver", name) for name, records in story.files.items() if records]
    steps += [(change,) for change in sorted(changes)] + [("close",)] * 3
    story.steps = list(draw(st.permutations(steps)))
    return story


def take(step: tuple[Any, ...], home: House, story: Story) -> None:
    """What one step does to the files of a home; closes are the caller's."""
    if step[0] == "deliver":
        home.deliver(step[1], story.files[step[1]])
    elif step[0] == "price":
        prices = {"pa_dar": "45.00", "pb_base": "99999", "pa_listening": "0.1"}
        home.policy(
            rate_plan_charges=[
                row | ({"price_per_block": prices[row["charge_id"]]} if row["charge_id"] in prices else {})
                for row in home.changes["rate_plan_charges"]
            ]
        )
    elif step[0] == "cut":
        rows = []
        for row in home.changes["rate_plan_charges"]:
            if row["charge_id"] in ("pa_dar", "pb_channel"):
                rows += [row | {"effective_to": "2026-02-14"}, row | {"effective_from": "2026-02-14", "price_per_block": "7"}]
            else:
                rows.append(row)
        home.policy(rate_plan_charges=rows)
    elif step[0] == "reprice":
        months = [{"usage_period": f"{period:%Y-%m}", "reason": "r", "approved_by": "x"} for period in PERIODS]
        home.policy(repricing=months)
    elif step[0] == "zone":
        moved = [row | ({"time_zone": "Pacific/Honolulu"} if row["site_id"] == "s1" else {}) for row in SITES]
        home.reference("2", sites=[*moved, site("s3", "B", "Asia/Tokyo", at="2026-02-14T00:00:00Z")])
    elif step[0] in ("credit", "credit2"):
        own = [("k1", "ca", "2026-01", "12.34", "USD"), ("k2", "cb", "2026-02-01", "500", "JPY")]
        names = ("credit_id", "contract_id", "usage_period", "amount", "currency_code")
        rows = [dict(zip(names, row, strict=True)) | {"approved_by": "x"} for row in own]
        home.reference("2" if step[0] == "credit2" else "1", credits=rows if step[0] == "credit2" else rows[:1])
    elif step[0] == "map":
        home.policy(channels=[{"source": s, "channel": c} for s, c in
                              (("SHARK", "Web Messaging"), ("SMS", "SMS"), ("ODD", "SMS"))])  # fmt: skip
    elif step[0] in ("ack", "ack2"):
        home.policy(
            acknowledgements=[
                {"check": "unrated_usage", "contract_id": contract, "site_id": site_id, "meter": "channel_credit",
                 "period": f"{period:%Y-%m}", "quantity": "1" if step[0] == "ack" else "50", "by": "x", "reason": "known"}
                for contract, site_id in (("ca", "s1"), ("ca", "s2"), ("cb", "s3")) for period in PERIODS
            ]
        )  # fmt: skip
    elif step[0] == "withdraw":
        name = next(name for name, records in story.files.items() if records)
        (home.settings.landing / name).unlink(missing_ok=True)
        home.policy(withdrawals=[{"path": name, "reason": "wrong tenant", "approved_by": "x"}])
    elif step[0] == "redeliver":
        # The same records once more, all in one file.
        messages = [r for name, records in story.files.items() if name.startswith("messaging") for r in records]
        home.deliver("messaging_interactions/again.jsonl", messages)


def is_withdrawn(step: tuple[Any, ...], home: House) -> bool:
    return step[0] == "deliver" and any(row["path"] == step[1] for row in home.changes.get("withdrawals", []))


def sums_are_whole(home: House) -> None:
    """Lines add up to documents, allocations to lines; C6 is zero; a negative document has its reason."""
    found = home.scratch.rows(
        """
        select 'document' as what, invoices.invoice_id as id from billing.fct_invoices as invoices
        left join billing.fct_invoice_lines as lines using (invoice_id)
        group by invoices.invoice_id, invoices.amount, invoices.lines, invoices.currency_code, invoices.document_type
        having coalesce(sum(lines.amount), 0) <> invoices.amount or count(lines.invoice_line_id) <> invoices.lines
            or min(lines.currency_code) <> invoices.currency_code or count(distinct lines.currency_code) <> 1
            or (invoices.amount < 0 and not bool_or(lines.line_kind in ('adjustment', 'credit')))
            or invoices.document_type <> case sign(invoices.amount) when 1 then 'invoice' when 0 then 'statement'
                else 'credit_note' end
        union all
        select 'allocation', lines.invoice_line_id from billing.fct_invoice_lines as lines
        left join billing.fct_invoice_line_sites as shares using (invoice_line_id)
        group by lines.invoice_line_id, lines.amount, lines.quantity
        having coalesce(sum(shares.amount), 0) <> lines.amount
        union all
        select check_name, cast(difference as varchar) from quality.fct_reconciliation where difference <> 0
        """
    )
    assert not found
    numbers = home.scratch.rows(
        "select document_number, document_type from billing.fct_invoices where status = 'final' and amount <> 0"
    )
    assert sorted(int(row["document_number"].split("-")[1]) for row in numbers) == list(range(1, len(numbers) + 1))


def cost_at_once(home: House) -> dict[Any, Any]:
    """What the same files cost when nothing is sealed."""
    away = home.folder / "away"
    home.settings.sealed.rename(away)
    try:
        home.run()
        return home.totals()
    finally:
        shutil.rmtree(home.settings.sealed, ignore_errors=True)
        away.rename(home.settings.sealed)


@settings(max_examples=max(EXAMPLES * 4 // 5, 1))
@given(story=stories())
def test_seals_and_draft_bill_what_all_usage_costs_at_once(
    tmp_path_factory: pytest.TempPathFactory, scratch: Scratch, story: Story
) -> None:
    home = House(tmp_path_factory.mktemp("story") / "home", scratch)
    closed = 0
    for step in story.steps:
        if step[0] != "close":
            if not is_withdrawn(step, home):
                take(step, home, story)
            continue
        period = PERIODS[closed]
        home.run(period)
        assert home.differences(period) == []
        home.close(period)
        closed += 1
    home.run(LAST, "fct_reconciliation")
    assert home.differences(LAST) == []
    sums_are_whole(home)
    assert sealing.missing_inputs(home.connection) == []
    # Another period's adjustments wait for the next month: asked for, it shows them.
    later = datetime(2026, 5, 20, 12, tzinfo=UTC).date().replace(day=1)
    home.run(later, "fct_reconciliation")
    assert home.differences(later) == []
    sums_are_whole(home)
    if not story.changes_terms:
        totals = home.totals()
        at_once = cost_at_once(home)
        assert {key: value for key, value in totals.items() if key[2] <= LAST} == at_once


@settings(max_examples=max(EXAMPLES // 4, 1))
@given(story=stories(), runs=st.lists(st.booleans(), min_size=30, max_size=30))
def test_any_interleaving_of_loads_and_runs_seals_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, scratch: Scratch, story: Story, runs: list[bool]
) -> None:
    folder = tmp_path_factory.mktemp("twice")
    eager, plain = House(folder / "eager", scratch), House(folder / "plain", Scratch())
    try:
        for home in (eager, plain):
            closed = 0
            if home is eager:
                home.rebuilt()
            for turn, step in enumerate(story.steps):
                if step[0] == "close":
                    if home is plain:
                        home.rebuilt()  # the working file is gone: everything is read anew
                    sealing_period = PERIODS[closed]
                    home.run(sealing_period)
                    sealing.seal_period(home.connection, home.settings, sealing_period, home.folder.name, "r",
                                        log=lambda text: None)  # fmt: skip
                    closed += 1
                elif not is_withdrawn(step, home):
                    take(step, home, story)
                    if home is eager and runs[turn]:
                        home.run(LAST)
            home.run(LAST)
        assert eager.sealed_bytes() == plain.sealed_bytes()
        assert eager.lines() == plain.lines()
    finally:
        plain.scratch.close()
