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
from closing_home import (
    CHARGES,
    CONTRACTS,
    LAST,
    PERIODS,
    SITES,
    House,
    conversation,
    invocation,
    message,
    millis,
    site,
    snapshot,
    user,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from models.published import USAGE, check_bridge, check_explanations, check_usage, with_macros
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


# --- random scenarios -----------------------------------------------------------------------------------


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
    sources = ["SHARK", "SHARK", "SMS", *draw(st.sampled_from([[], [], ["ODD"]]))]
    for number in range(draw(st.integers(4, 14))):
        site_id = draw(st.sampled_from(sorted(ZONES)))
        clocks = sorted(draw(st.lists(st.sampled_from(CLOCKS), min_size=1, max_size=3)))
        record = conversation(
            f"v{number}",
            [
                message(f"m{place}", millis(f"2026-{clock}", ZONES[site_id]),
                        draw(st.sampled_from(["Consumer", "Agent"])),
                        **({"who": f"k{number % 3}"} if draw(st.booleans()) else {}))
                for place, clock in enumerate(clocks)
            ],
            site_id=site_id,
            source=draw(st.sampled_from(sources)),
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
    for number in range(draw(st.integers(0, 2))):
        site_id = draw(st.sampled_from(sorted(ZONES)))
        at = millis(f"2026-{draw(st.sampled_from(CLOCKS))}", ZONES[site_id])
        users = [user(f"u{n}", kind=1 + n % 2, enabled=n != 1) for n in range(draw(st.integers(0, 6)))]
        story.files[f"platform_users/{number}.jsonl"] = [snapshot(site_id, at, users)]
    changes = draw(
        st.sets(
            st.sampled_from(
                ["price", "cut", "reprice", "zone", "credit", "credit2", "map", "ack", "ack2", "withdraw", "redeliver"]
            ),
            max_size=5,
        )
    )
    steps: list[tuple[Any, ...]] = [("deliver", name) for name, records in story.files.items() if records]
    steps += [(change,) for change in sorted(changes)]
    # After how many closes each thing happens: more often late than not.
    when = [draw(st.sampled_from([1, 2, 0, 3, 1, 2])) for _ in steps]
    for closed in range(4):
        own = [step for step, after in zip(steps, when, strict=True) if after == closed]
        story.steps += draw(st.permutations(own)) if own else []
        story.steps += [("close",)] if closed < 3 else []
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
                rows += [
                    row | {"effective_to": "2026-02-14"},
                    row | {"effective_from": "2026-02-14", "price_per_block": "7"},
                ]
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
                 "period": f"{period:%Y-%m}", "quantity": "1" if step[0] == "ack" else "50", "by": "x",
                 "reason": "known"}
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


def lines_are_explained(home: House) -> None:
    """Every line's steps lead to its amount, what stands behind it is its quantity, bridges add up (issue 7, 1)."""
    home.scratch.run(*USAGE, "fct_invoice_bridge")
    with_macros(home.scratch)
    check_explanations(home.connection)
    check_usage(home.connection)
    check_bridge(home.connection)


def cost_at_once(home: House) -> dict[Any, Any]:
    """What the same files cost when nothing is sealed."""
    away = home.folder / "away"
    home.settings.sealed.rename(away)
    # A warehouse that knows of seals refuses to go on without them: this one has never read any.
    home.connection.execute("delete from raw.seals")
    try:
        home.run()
        return home.totals()
    finally:
        shutil.rmtree(home.settings.sealed, ignore_errors=True)
        away.rename(home.settings.sealed)


@settings(max_examples=max(EXAMPLES // 2, 1))
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
        home.close(PERIODS[closed])
        closed += 1
    home.run(LAST, "fct_reconciliation")
    assert home.differences(LAST) == []
    sums_are_whole(home)
    lines_are_explained(home)
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


@settings(max_examples=max(EXAMPLES // 6, 1))
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


# --- the chain ------------------------------------------------------------------------------------------


def small_story(home: House) -> None:
    """A conversation in each month, and some invocations."""
    for month in (1, 2, 3):
        home.deliver(
            f"messaging_interactions/2026-0{month}.jsonl",
            [
                conversation(f"v{month}{n}", [message("m", millis(f"2026-0{month}-10 12:00"), who=f"k{n}")])
                for n in range(4)
            ],
        )
    home.deliver("function_invocations/2026.jsonl", [invocation("i1", millis("2026-01-10 12:00"), 600)])


@pytest.fixture(scope="module")
def sealed_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Three periods closed; tests copy its sealed folder and leave it as it is."""
    home = House(tmp_path_factory.mktemp("sealed") / "home", Scratch())
    small_story(home)
    for period in PERIODS:
        home.close(period)
    yield home
    home.scratch.close()


def copied(home: House, folder: Path) -> Any:
    """Settings over a copy of the home's sealed folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(home.settings.sealed, folder / "sealed")
    return type(home.settings)(home=folder, as_of=home.settings.as_of, project_root=home.folder)


def proven(home: House) -> list[Path]:
    """Every file of the chain, inside sealed/."""
    root = home.settings.sealed
    return sorted(p.relative_to(root) for p in root.rglob("*") if p.is_file() and p.name != "closed.json")


def test_every_file_edited_shortened_or_lengthened_by_one_byte_is_found(sealed_home: House, tmp_path: Path) -> None:
    settings_ = copied(sealed_home, tmp_path / "copy")
    assert sealing.verify_chain(settings_).head_text.startswith("2026-03 ")
    files = proven(sealed_home)
    assert len(files) > 60
    for name in files:
        path = settings_.sealed / name
        good = path.read_bytes()
        place = len(good) // 2
        damaged = (
            good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :],
            good[:-1],
            good + b"\n",
            good[:place] + b" " + good[place:],
        )
        for bad in damaged:
            path.write_bytes(bad)
            with pytest.raises(LedgerError, match="chain of seals is broken"):
                sealing.verify_chain(settings_)
        path.unlink()
        with pytest.raises(LedgerError, match="chain of seals is broken"):
            sealing.verify_chain(settings_)
        path.write_bytes(good)
    assert sealing.verify_chain(settings_).head_text.startswith("2026-03 ")


@settings(max_examples=EXAMPLES * 8)
@given(data=st.data())
def test_any_byte_anywhere_edited_removed_or_added_is_found(
    sealed_home: House, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    settings_ = _shared_copy(sealed_home, tmp_path_factory)
    name = data.draw(st.sampled_from(proven(sealed_home)), label="file")
    path = settings_.sealed / name
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1), label="place")
    how = data.draw(st.sampled_from(["edit", "remove", "add"]), label="how")
    byte = bytes([data.draw(st.integers(0, 255).filter(lambda b: how != "edit" or b != good[place]), label="byte")])
    path.write_bytes(good[:place] + (b"" if how == "remove" else byte) + good[place + (how != "add") :])
    try:
        if path.read_bytes() != good:
            with pytest.raises(LedgerError, match="chain of seals is broken"):
                sealing.verify_chain(settings_)
    finally:
        path.write_bytes(good)


_COPIES: dict[int, Any] = {}


def _shared_copy(home: House, factory: pytest.TempPathFactory) -> Any:
    if id(home) not in _COPIES:
        _COPIES[id(home)] = copied(home, factory.mktemp("copies") / "copy")
    return _COPIES[id(home)]


@pytest.mark.parametrize(
    "name",
    [
        "2026-01/extra.parquet",
        "2026-03/.hidden",
        "2026-02/notes/readme.txt",
        "notes.txt",
        "2026-04/seal.json",
        "2025-12/x",
    ],
)
def test_a_file_that_was_added_is_found(sealed_home: House, tmp_path: Path, name: str) -> None:
    settings_ = copied(sealed_home, tmp_path / "copy")
    path = settings_.sealed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"{}")
    with pytest.raises(LedgerError, match="chain of seals is broken"):
        sealing.verify_chain(settings_)


@pytest.mark.parametrize("gone", ["2026-01", "2026-02", "2026-03", "HEAD"])
def test_a_seal_or_head_that_is_gone_is_found(sealed_home: House, tmp_path: Path, gone: str) -> None:
    settings_ = copied(sealed_home, tmp_path / "copy")
    path = settings_.sealed / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(LedgerError, match="chain of seals is broken"):
        sealing.verify_chain(settings_)


def test_a_broken_chain_loads_nothing_and_closes_nothing(sealed_home: House, tmp_path: Path) -> None:
    settings_ = copied(sealed_home, tmp_path / "copy")
    (settings_.sealed / "HEAD").write_bytes(b"none\n")
    with pytest.raises(LedgerError, match="chain of seals is broken"):
        sealing.load_seals(sealed_home.connection, settings_)
    with pytest.raises(LedgerError, match="chain of seals is broken"):
        sealing.seal_period(sealed_home.connection, settings_, PERIODS[0], "x", "x", log=lambda text: None)


# --- closing, in order and once -------------------------------------------------------------------------


def test_closing_twice_changes_nothing_and_says_so(home: House) -> None:
    small_story(home)
    first = home.close(PERIODS[0])
    before = {path: path.stat().st_mtime_ns for path in home.settings.sealed.rglob("*")}
    home.deliver("messaging_interactions/late.jsonl", [conversation("x", [message("m", millis("2026-01-11 12:00"))])])
    said: list[str] = []
    home.run(PERIODS[0])
    again = sealing.seal_period(home.connection, home.settings, PERIODS[0], "someone", "other", log=said.append)
    assert again == first
    assert "closed already" in said[0]
    assert {path: path.stat().st_mtime_ns for path in home.settings.sealed.rglob("*")} == before


def test_periods_close_in_order(home: House) -> None:
    small_story(home)
    home.run(PERIODS[1])
    with pytest.raises(LedgerError, match="2026-02 cannot be closed before 2026-01"):
        sealing.seal_period(home.connection, home.settings, PERIODS[1], "x", "x", log=lambda text: None)
    home.policy(settings=[{"setting": "first_billed_period", "value": "2026-02"}])
    home.run(PERIODS[0])
    with pytest.raises(LedgerError, match="before the first billed period"):
        sealing.seal_period(home.connection, home.settings, PERIODS[0], "x", "x", log=lambda text: None)
    assert not home.settings.sealed.exists() or not list(home.settings.sealed.iterdir())


@pytest.mark.parametrize(
    ("as_of", "is_settled"),
    # February ends in New York at 05:00 UTC, in Honolulu at 10:00: the last zone decides, then three days.
    [("2026-03-04T04:59:59+00:00", False), ("2026-03-04T09:59:59+00:00", False), ("2026-03-04T10:00:00+00:00", True)],
)
def test_a_period_closes_when_it_has_ended_in_its_last_zone_and_settled(
    home: House, as_of: str, is_settled: bool
) -> None:
    home.settings = type(home.settings)(home=home.folder, as_of=datetime.fromisoformat(as_of), project_root=home.folder)
    home.reference("2", sites=[*SITES, site("s4", "A", "Pacific/Honolulu")])
    home.policy(
        settings=[{"setting": "first_billed_period", "value": "2026-02"}, {"setting": "settling_days", "value": "3"}]
    )
    small_story(home)
    home.run(PERIODS[1])

    def close() -> sealing.Seal:
        return sealing.seal_period(home.connection, home.settings, PERIODS[1], "x", "x", log=lambda text: None)

    # Refused before anything is loaded only where no zone on earth has settled.
    sealing.refuse_early(home.settings, PERIODS[1])
    with pytest.raises(LedgerError, match="not before 2026-04-03T10:00:00Z"):
        sealing.refuse_early(home.settings, LAST)
    if is_settled:
        assert close().period == PERIODS[1]
    else:
        with pytest.raises(LedgerError, match="can be closed from 2026-03-04T10:00:00Z on"):
            close()
        assert not list(home.settings.sealed.glob("2*"))


def test_same_inputs_and_clock_seal_the_same_bytes(sealed_home: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other", Scratch(threads=2))
    small_story(other)
    for period in PERIODS:
        other.run(period)
        sealing.seal_period(
            other.connection, other.settings, period, "somebody else", "another run", log=lambda t: None
        )
    assert other.sealed_bytes() == sealed_home.sealed_bytes()
    other.scratch.close()


# --- files that a seal rests on (C7) --------------------------------------------------------------------


def test_a_missing_landing_file_is_found_unless_withdrawn_or_there_under_another_path(home: House) -> None:
    small_story(home)
    home.close(PERIODS[0])
    january = home.settings.landing / "messaging_interactions/2026-01.jsonl"
    content = january.read_bytes()
    assert sealing.missing_inputs(home.connection) == []

    def missing() -> list[tuple[str, str]]:
        home.run(PERIODS[1])
        return sealing.missing_inputs(home.connection)

    january.unlink()
    assert missing() == [("messaging_interactions/2026-01.jsonl", "2026-01")]
    moved = january.with_name("renamed.jsonl")
    moved.write_bytes(content)
    assert missing() == []
    moved.unlink()
    assert missing() == [("messaging_interactions/2026-01.jsonl", "2026-01")]
    home.policy(withdrawals=[{"path": "messaging_interactions/2026-01.jsonl", "reason": "r", "approved_by": "x"}])
    assert missing() == []
    assert home.differences(PERIODS[1]) == []
    lines = home.scratch.rows(
        "select * from billing.fct_invoice_lines where line_kind = 'adjustment' and contract_id = 'ca'"
    )
    assert {row["charge_id"] for row in lines} == {"pa_dar", "pa_channel", "pa_listening"}
    assert all(row["amount"] < 0 and "withdrawn" in row["reasons"] for row in lines)
    # A file of a month that is not closed yet is nobody's ground.
    (home.settings.landing / "messaging_interactions/2026-03.jsonl").unlink()
    assert missing() == []


# --- death between the renames --------------------------------------------------------------------------


class Death(BaseException):
    """What SIGKILL would be: nothing after it runs."""


def dying_at(monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """Die in front of the nth step that touches the disk: a flush, a rename or a removal."""
    left = [nth]

    def guard(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def step(*arguments: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise Death
            return real(*arguments, **more)

        monkeypatch.setattr(owner, name, step)

    guard(sealing.os, "fsync")
    for name in ("rename", "replace", "unlink", "mkdir"):
        guard(Path, name)


def test_a_close_that_dies_anywhere_is_completed_or_forgotten(home: House, tmp_path: Path) -> None:
    small_story(home)
    home.close(PERIODS[0])
    one = home.sealed_bytes()
    home.run(PERIODS[1])
    before = tmp_path / "before"
    shutil.copytree(home.settings.sealed, before)

    def seal() -> sealing.Seal:
        return sealing.seal_period(home.connection, home.settings, PERIODS[1], "x", "x", log=lambda text: None)

    seal()
    two = home.sealed_bytes()
    outcomes: dict[str, int] = {}
    for nth in range(1, 200):
        shutil.rmtree(home.settings.sealed)
        shutil.copytree(before, home.settings.sealed)
        with pytest.MonkeyPatch.context() as patch:
            dying_at(patch, nth)
            try:
                seal()
                died = False
            except Death:
                died = True
        if not died:
            break
        # The next reader sees the old chain or the new one, never half; then the rerun brings the same bytes.
        chain = sealing.verify_chain(home.settings)
        sealing.remove_leftovers(home.settings)
        found = home.sealed_bytes()
        assert found == (two if len(chain.seals) == 2 else one), nth
        outcomes[chain.head_text[:7]] = outcomes.get(chain.head_text[:7], 0) + 1
        seal()
        assert home.sealed_bytes() == two, nth
        assert sealing.verify_chain(home.settings).head_text[:7] == "2026-02"
        assert not list(home.settings.sealed.glob(".*")), nth
    assert not died
    assert outcomes["2026-01"] > 10
    assert outcomes["2026-02"] >= 3


@pytest.mark.parametrize("journal", ["", "garbage", "../x " + "0" * 64, "\ufffd", "2026-02"])
def test_a_journal_that_nobody_wrote_is_not_followed(sealed_home: House, tmp_path: Path, journal: str) -> None:
    settings_ = copied(sealed_home, tmp_path / "copy")
    head = (settings_.sealed / "HEAD").read_bytes()
    (settings_.sealed / ".closing").write_text(journal, encoding="utf-8")
    if journal.startswith("2026"):
        # It names a seal, and no hash that the seal has: there is nothing to complete.
        assert sealing.verify_chain(settings_).head_text.startswith("2026-03")
    else:
        with pytest.raises(LedgerError, match="chain of seals is broken"):
            sealing.verify_chain(settings_)
    assert (settings_.sealed / "HEAD").read_bytes() == head


# --- one story worked out by hand -----------------------------------------------------------------------


def lines_of(home: House, contract: str, billing: str) -> dict[str, tuple[str, str, str | None]]:
    """charge and usage period -> (quantity, amount, reasons) of the lines of a document."""
    return {
        f"{row['charge_id']} {row['usage_period']:%Y-%m}": (
            f"{row['quantity'].normalize():f}", f"{row['amount'].normalize():f}", row["reasons"]
        )
        for row in home.scratch.rows(
            "select * from billing.fct_invoice_lines where contract_id = ? and billing_period = ? "
            "and (quantity <> 0 or amount <> 0)",
            [contract, f"{billing}-01"],
        )
    }  # fmt: skip


def test_held_then_mapped_then_conflicting_then_repriced_then_moved(home: House) -> None:
    """Every month's document is worked out by hand: DAR 2 free, then 39.00 for each two begun; a channel 0.005."""
    talks = [conversation(f"v{n}", [message("m", millis("2026-01-10 12:00"), who=f"k{n}")]) for n in range(4)]
    odd = conversation("odd", [message("m", millis("2026-01-11 12:00"), who="k9")], source="ODD")
    home.deliver("messaging_interactions/1.jsonl", [*talks, odd])
    home.deliver("function_invocations/1.jsonl", [invocation("i1", millis("2026-01-10 12:00"), 20)])

    # An unmapped channel holds ca; cb is billed.
    home.close(PERIODS[0])
    sealed = home.scratch.connection
    sealing.load_seals(home.connection, home.settings)
    assert sealed.execute("select distinct contract_id from raw.sealed_invoice_lines").fetchall() == [("cb",)]
    assert sealed.execute("select contract_id, check_name, quantity from raw.sealed_held_contracts").fetchall() == [
        ("ca", "unrated_usage", 1)
    ]

    # Mapped: all of January comes as adjustments of February, marked held.
    home.policy(channels=[{"source": s, "channel": c} for s, c in (("SHARK", "Web Messaging"), ("ODD", "SMS"))])
    home.close(PERIODS[1])
    home.run(LAST)
    assert lines_of(home, "ca", "2026-02") == {
        "pa_dar 2026-01": ("5", "78", "held"),  # 3 above 2: two blocks
        "pa_channel 2026-01": ("5", "0.03", "held"),  # 0.025, half away
        "pa_listening 2026-01": ("5", "0.39", "held"),
        "pa_functions 2026-01": ("20", "4.2", "held"),  # 10 free, 10 x 0.42
    }

    # Another copy of the same invocation says 30: a conflict holds ca's March until somebody has looked.
    home.deliver("function_invocations/2.jsonl", [invocation("i1", millis("2026-01-10 12:00"), 30)])
    home.run(LAST)
    statuses = home.scratch.rows(
        "select distinct contract_id, status from billing.fct_invoice_lines where billing_period = '2026-03-01'"
    )
    assert sorted((row["contract_id"], row["status"]) for row in statuses) == [("ca", "held"), ("cb", "draft")]
    looked_at = {
        "check": "conflict",
        "contract_id": "ca",
        "meter": "function_invocation",
        "period": "2026-01",
        "by": "x",
    }
    home.policy(acknowledgements=[looked_at | {"quantity": "0", "reason": "too few"}])
    home.run(LAST)
    assert home.scratch.rows("select 1 from billing.fct_invoices where status = 'held'")
    home.policy(acknowledgements=[looked_at | {"quantity": "1", "reason": "the second is right"}])
    home.run(LAST)
    assert not home.scratch.rows("select 1 from billing.fct_invoices where status = 'held'")
    assert lines_of(home, "ca", "2026-03") == {"pa_functions 2026-01": ("10", "4.2", "conflict")}

    # A new price leaves January alone until repricing.csv names it.
    home.policy(
        rate_plan_charges=[
            row | ({"price_per_block": "45.00"} if row["charge_id"] == "pa_dar" else {}) for row in CHARGES
        ]
    )
    home.run(LAST)
    assert "pa_dar 2026-01" not in lines_of(home, "ca", "2026-03")
    home.policy(repricing=[{"usage_period": "2026-01", "reason": "agreed", "approved_by": "x"}])
    home.run(LAST)
    assert lines_of(home, "ca", "2026-03")["pa_dar 2026-01"] == ("0", "12", "terms")
    home.close(LAST)

    # The site's zone was wrong: noon of 10 January in UTC is the 10th in Tokyo too. Nothing moves out of the month.
    april = LAST.replace(month=4)
    home.reference("2", sites=[row | ({"time_zone": "Asia/Tokyo"} if row["site_id"] == "s1" else {}) for row in SITES])
    home.run(april)
    assert lines_of(home, "ca", "2026-04") == {}
    night = conversation("night", [message("m", millis("2026-01-31 23:30", "Asia/Tokyo"), who="k7")])
    home.deliver("messaging_interactions/late.jsonl", [night])
    home.run(april, "fct_reconciliation")
    found = lines_of(home, "ca", "2026-04")
    assert found["pa_channel 2026-01"][:2] == ("1", "0")  # 0.030 instead of 0.025: still three cents
    assert "late_usage" in (found["pa_channel 2026-01"][2] or "")
    assert found["pa_dar 2026-01"][:2] == ("1", "0")  # 4 above 2: still two blocks
    sums_are_whole(home)
    lines_are_explained(home)


def test_a_contract_changed_after_its_seal_keeps_what_it_was(home: House) -> None:
    small_story(home)
    home.close(PERIODS[0])
    shorter = [row | ({"ends_on": "2026-01-05"} if row["contract_id"] == "ca" else {}) for row in CONTRACTS]
    home.reference("2", contracts=shorter)
    home.run(PERIODS[1])
    assert [row for row in home.lines() if row["line_kind"] == "adjustment"] == []
    assert not [
        row for row in home.lines() if row["contract_id"] == "ca" and f"{row['billing_period']:%Y-%m}" == "2026-02"
    ]
    # Named in repricing.csv, January is what the contract says today: 4 DARs are nobody's, and given back.
    home.policy(repricing=[{"usage_period": "2026-01", "reason": "agreed", "approved_by": "x"}])
    home.run(PERIODS[1])
    assert {key: value[:2] for key, value in lines_of(home, "ca", "2026-02").items()} == {
        "pa_dar 2026-01": ("-4", "-39"),
        "pa_channel 2026-01": ("-4", "-0.02"),
        "pa_listening 2026-01": ("-4", "-0.31"),
        "pa_functions 2026-01": ("-600", "-200"),
    }
    document = home.scratch.rows(
        "select * from billing.fct_invoices where contract_id = 'ca' and billing_period = '2026-02-01'"
    )
    assert [row["document_type"] for row in document] == ["credit_note"]
    lines_are_explained(home)


ACTIVITY = {"consumer": "true", "human": "true", "bot": "true", "system": "false", "unknown": "true"}


def rules(**changed: str) -> list[dict[str, str]]:
    return [{"sender_kind": kind, "counts": counts} for kind, counts in (ACTIVITY | changed).items()]


def adjusted(home: House) -> set[tuple[str, str, str]]:
    return {
        (row["charge_id"], f"{row['usage_period']:%Y-%m}", f"{row['quantity']:f}".rstrip("0").rstrip("."))
        for row in home.lines()
        if row["line_kind"] == "adjustment"
    }


def test_rules_of_metering_are_sealed_and_what_repricing_brought_stays(home: House) -> None:
    """C3: a system message and one to agents only, in a closed month, under rules that change afterwards."""
    system = message("m", millis("2026-01-10 12:00"), "Agent", "sys")
    whisper = message("m", millis("2026-01-10 12:00"), audience="WHISPER")
    home.deliver(
        "messaging_interactions/1.jsonl",
        [conversation("v1", [system], consumers=["k1"]), conversation("v2", [whisper], consumers=["k2"])],
    )
    home.policy(activity_rules=rules(), message_audiences=[{"audience": "ALL", "reaches_consumer": "true"}])
    home.close(PERIODS[0])  # 1 DAR: who whispers to an unknown audience reaches the consumer
    changed = {
        "activity_rules": rules(system="true"),
        "message_audiences": [{"audience": "WHISPER", "reaches_consumer": "false"}],
    }
    home.policy(**changed)
    home.run(PERIODS[1])
    assert adjusted(home) == set()
    # Named in repricing.csv, January is metered by the rules of today: the system's DAR for the whisper's.
    home.deliver(
        "messaging_interactions/2.jsonl",
        [conversation("v3", [message("m", millis("2026-01-11 12:00"), "Agent", "sys")], consumers=["k3"])],
    )
    home.policy(repricing=[{"usage_period": "2026-01", "reason": "agreed", "approved_by": "x"}])
    home.run(PERIODS[1])
    assert ("pa_dar", "2026-01", "1") in adjusted(home)
    sealing.seal_period(home.connection, home.settings, PERIODS[1], "x", "x", log=lambda text: None)
    # The row is taken away, and the rules go back: what February billed of January stays.
    home.policy(repricing=[], activity_rules=rules(), message_audiences=[])
    home.run(LAST)
    assert not [row for row in home.lines() if row["line_kind"] == "adjustment" and row["status"] == "draft"]
    sums_are_whole(home)


def test_what_is_owed_is_billed_whatever_the_horizon(home: House) -> None:
    """C5, C7: a contract held when its month was closed is billed later; until then the month's files must stay."""
    odd = conversation("odd", [message("m", millis("2026-01-11 12:00"), who="k9")], source="ODD")
    home.deliver("messaging_interactions/2026-01.jsonl", [odd])
    horizon = {"setting": "adjustment_horizon_months", "value": "1"}
    home.policy(settings=[*home.changes["settings"], horizon])
    home.close(PERIODS[0])
    home.close(PERIODS[1])
    home.run(LAST)
    sums_are_whole(home)
    (home.settings.landing / "messaging_interactions/2026-01.jsonl").unlink()
    home.run(LAST)
    assert sealing.missing_inputs(home.connection) == [("messaging_interactions/2026-01.jsonl", "2026-01")]
    home.deliver("messaging_interactions/2026-01.jsonl", [odd])
    home.policy(channels=[{"source": s, "channel": c} for s, c in (("SHARK", "Web Messaging"), ("ODD", "SMS"))])
    home.run(LAST)
    assert lines_of(home, "ca", "2026-03")["pa_dar 2026-01"] == ("1", "0", "held")
    sums_are_whole(home)
    sealing.seal_period(home.connection, home.settings, LAST, "x", "x", log=lambda text: None)
    # Billed, January freezes, and its files may go.
    (home.settings.landing / "messaging_interactions/2026-01.jsonl").unlink()
    home.run(LAST.replace(month=4))
    assert sealing.missing_inputs(home.connection) == []
    sums_are_whole(home)


def test_a_period_without_lines_needs_no_seal(home: House) -> None:
    home.reference("2", contracts=[row | {"starts_on": "2026-02-01"} for row in CONTRACTS])
    small_story(home)
    home.run(PERIODS[1])
    seal = sealing.seal_period(home.connection, home.settings, PERIODS[1], "x", "x", log=lambda text: None)
    assert seal.content["previous_hash"] is None
    with pytest.raises(LedgerError, match="lies before the last seal"):
        sealing.seal_period(home.connection, home.settings, PERIODS[0], "x", "x", log=lambda text: None)


def test_beyond_the_adjustment_horizon_a_period_is_what_its_seal_says(home: House) -> None:
    small_story(home)
    for period in PERIODS[:2]:
        home.close(period)
    home.policy(
        settings=[
            *home.changes["settings"],
            {"setting": "adjustment_horizon_months", "value": "1"},
        ]
    )
    # Late usage for both closed months; and the files of the first are erased.
    for month in ("01", "02"):
        late = conversation(f"late{month}", [message("m", millis(f"2026-{month}-12 12:00"), who="k8")])
        home.deliver(f"messaging_interactions/late{month}.jsonl", [late])
    (home.settings.landing / "messaging_interactions/2026-01.jsonl").unlink()
    (home.settings.landing / "function_invocations/2026.jsonl").unlink()
    home.run(LAST, "fct_reconciliation", "fct_late_usage")
    assert sealing.missing_inputs(home.connection) == []
    adjusted = [row for row in home.lines() if row["line_kind"] == "adjustment"]
    assert {(row["contract_id"], f"{row['usage_period']:%Y-%m}") for row in adjusted} == {("ca", "2026-02")}
    lines_are_explained(home)
    listed = home.scratch.rows("select distinct strftime(usage_period, '%Y-%m') as month from quality.fct_late_usage")
    assert sorted(row["month"] for row in listed) == ["2026-01", "2026-02"]
    assert not home.scratch.rows(
        "select * from quality.fct_reconciliation where difference <> 0 and check_name like 'metered_usage%'"
    )
