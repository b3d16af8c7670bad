"""Built day by day, after late, lost and renamed files, after a rule's change and after a death: the same marts.

The warehouse under test is built by dbt itself, step upon step, each time only where something changed. Beside it the
same landing is loaded anew and the same SQL runs on all of it, in memory, knowing no earlier build.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from models.runner import Scratch
from oracle.build import conversation, invocation, message, millis, site, write_lines, write_reference

from orchestration import landing, models, reference, state, zones
from orchestration.settings import Settings, connect
from trust import small
from trust.small import AS_OF, PERIOD, Small
from trust.variants import FIRST, SITES, Records, write_accounts

# What is kept from build to build, by what a person knows of it: numbers of contents and copies are the loader's own.
KEPT = {
    "intermediate.int_contested_copies": "* exclude (conversation_copy_id)",
    "intermediate.int_messages_without_consumer": "* exclude (conversation_copy_id)",
    "intermediate.int_messages_contested": "* exclude (conversation_copy_id)",
    "intermediate.int_conversation_outcomes": "* replace (list_sort(agents) as agents)",
    "intermediate.int_agent_days": "*",
    "intermediate.int_invocation_copies": "* exclude (content_id)",
    "intermediate.int_invocation_days": "*",
    "intermediate.int_relationship_days": "*",
    "intermediate.int_relationship_day_channels": "*",
    "intermediate.int_listened_conversation_days": "*",
    "intermediate.int_part_edges": "*",
    "intermediate.int_tier_edges": "*",
    "intermediate.int_rated_usage": "*",
    "usage.fct_daily_active_relationships": "*",
    "usage.fct_channel_credits": "*",
    "usage.fct_listening_credits": "*",
}
MODELS = [name.split(".")[1] for name in KEPT]
ENDS = ["+int_inputs_built", "+int_site_days_built", "+int_agent_days", "+int_rating_built", *MODELS[-3:]]
WITHOUT_SEEDS = ["--exclude", "resource_type:seed"]
# What dbt builds here it builds in many slices, what is seen anew is made in one.
SLICES = ["--vars", "{bytes_a_row: 1300000000}"]


class Ledger:
    """A home with a warehouse that dbt builds, and how the same home looks to who sees it for the first time."""

    def __init__(self, home: Path, scratch: Scratch) -> None:
        self.settings = Settings(home=home, as_of=AS_OF)
        self.scratch = scratch
        self.rules: list[str] = []
        self.settings.landing.mkdir(parents=True)
        self.settings.temporary.mkdir(parents=True)
        build = models._build(self.settings, [*SLICES, "--select", "resource_type:seed"], None, "none")
        assert not build.failures, build.failures

    @property
    def folder(self) -> Path:
        return self.settings.landing / "messaging_interactions"

    def change_rule(self, sql: str) -> None:
        """Change the policy, here and for whoever looks anew."""
        self.rules.append(sql)
        with connect(self.settings) as connection:
            connection.execute(sql)

    def load(self) -> None:
        with connect(self.settings) as connection:
            landing.load_landing(connection, self.settings, lambda _: None)
            reference.load_reference(connection, self.settings, lambda _: None)
            zones.load_zone_offsets(connection)
            state.write_run_settings(connection, self.settings, PERIOD, zones.tzdata_version())

    def build(self, *more: str, select: list[str] | None = None) -> None:
        build = models._build(
            self.settings, [*more, *SLICES, "--select", *(select or ENDS), *WITHOUT_SEEDS], None, "none"
        )
        assert not build.failures, build.failures

    def rows(self, sql: str) -> list[tuple]:
        with connect(self.settings) as connection:
            return connection.execute(sql).fetchall()

    def kept(self) -> dict[str, list[tuple]]:
        with connect(self.settings) as connection:
            return contents(connection)

    def seen_anew(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple]]:
        monkeypatch.setattr(small, "AS_OF", self.settings.as_of)
        fresh = Small.at(self.scratch, self.settings.home)
        fresh.settings = replace(self.settings, as_of=self.settings.as_of)
        fresh.load()
        self.scratch.fill_policy(self.settings.policy)
        for sql in self.rules:
            self.scratch.connection.execute(sql)
        self.scratch.run(*MODELS)
        return contents(self.scratch.connection)


def contents(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple]]:
    return {
        name: connection.execute(f"select {columns} from {name} order by all").fetchall()
        for name, columns in KEPT.items()
    }


def put(ledger: Ledger, name: str, records: list[dict[str, Any]]) -> None:
    write_lines(ledger.settings.landing, f"messaging_interactions/{name}.jsonl", records)


def put_calls(ledger: Ledger, name: str, records: list[dict[str, Any]]) -> None:
    write_lines(ledger.settings.landing, f"function_invocations/{name}.jsonl", records)


def changed_call_days(ledger: Ledger) -> set[tuple[str, date]]:
    return set(ledger.rows("select site_id, activity_date from intermediate.int_changed_invocation_days"))


def changed_days(ledger: Ledger) -> set[tuple[str, date]]:
    return set(ledger.rows("select site_id, activity_date from intermediate.int_changed_days"))


def changed_periods(ledger: Ledger) -> set[tuple[str, int]]:
    return set(ledger.rows("select contract_id, month(period) from intermediate.int_rating_changed"))


def talk(name: str, at: str, *, place: str = "south", who: str = "k1", texts: int = 2) -> dict[str, Any]:
    moment = millis(at)
    said = [message(f"m{n}", moment + n * 60_000, "Agent" if n % 2 else "Consumer", "a1" if n % 2 else who)
            for n in range(texts)]  # fmt: skip
    return conversation(name, said, site_id=place, consumers=(who,))


def nobodys(name: str, at: int, *consumers: str) -> dict[str, Any]:
    return conversation("nobody", [message(name, at, "Agent", "a1")], site_id="north", consumers=consumers)


@pytest.fixture(scope="module")
def ledger(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    made = Ledger(tmp_path_factory.mktemp("changes") / "home", scratch)
    write_accounts(made.settings.landing)
    records = Records(7)
    chats = records.of("messaging_interactions")
    third = len(chats) // 3
    for n in range(3):
        put(made, f"part{n}", chats[n * third : (n + 1) * third])
    put(made, "nameless", [nobodys("m0", FIRST + 9)])
    calls = records.of("function_invocations")
    put_calls(made, "a", calls[::2])
    put_calls(made, "b", calls[1::2])
    yield made
    shutil.rmtree(made.settings.home)


def first_month(ledger: Ledger) -> None:
    pass


def nothing_new(ledger: Ledger) -> None:
    pass


def a_day_more(ledger: Ledger) -> None:
    put(ledger, "day", [talk("new", "2026-03-28 10:00"), talk("night", "2026-03-27 12:58", texts=6)])


def late_copies_that_grow_and_contradict(ledger: Ledger) -> None:
    later = Records(7)
    chats = later.chats[::4]
    for chat in chats[::2]:
        chat["messageRecords"] = chat["messageRecords"] + [message("late", FIRST + 40 * 3_600_000, "Consumer", "k5")]
    for chat in chats[1::2]:
        chat["messageRecords"][0]["timeL"] -= 26 * 3_600_000
    put(ledger, "late", chats)


def a_file_less(ledger: Ledger) -> None:
    (ledger.folder / "part1.jsonl").unlink()


def another_name_and_another_content(ledger: Ledger) -> None:
    (ledger.folder / "part0.jsonl").rename(ledger.folder / "zz-part0.jsonl")
    put(ledger, "day", [talk("new", "2026-03-29 10:00")])


def a_consumer_becomes_known(ledger: Ledger) -> None:
    put(ledger, "named", [nobodys("m9", FIRST + 99, "k9")])


def call(name: str, at: str, **stated: Any) -> dict[str, Any]:
    return invocation(name, millis(at), accountId="south", **stated)


def calls_come(ledger: Ledger) -> None:
    put_calls(ledger, "c", [call("late", "2026-03-28 10:00"), call("twice", "2026-03-27 10:00", trigger="MANUAL_TEST")])


def a_call_comes_again_with_another_date(ledger: Ledger) -> None:
    put_calls(ledger, "d", [call("twice", "2026-03-30 10:00", count=0), call("twice", "2026-03-29 10:00")])


def its_last_file_goes(ledger: Ledger) -> None:
    (ledger.settings.landing / "function_invocations" / "d.jsonl").unlink()


def calls_take_another_path(ledger: Ledger) -> None:
    (ledger.settings.landing / "function_invocations" / "a.jsonl").rename(
        ledger.settings.landing / "function_invocations" / "zz.jsonl"
    )


def a_trigger_no_longer_counts(ledger: Ledger) -> None:
    ledger.change_rule("update policy.trigger_rules set counts = not counts where trigger = 'EVENT'")


def a_site_moves(ledger: Ledger) -> None:
    sites = [site(name, "AB"[place % 2], zone, place > 0) for place, (name, zone) in enumerate(SITES.items())]
    known = site("west", "A", "America/Anchorage", at="2026-03-15T10:30:00Z")
    moved = site("east", "B", "Pacific/Auckland", at="2026-03-10T00:00:00Z")
    write_reference(ledger.settings.landing, sites=[*sites, known, moved, site("new", "A", "Europe/Rome")])


def a_rule_changes(ledger: Ledger) -> None:
    ledger.change_rule("update policy.activity_rules set counts = not counts where sender_kind = 'system'")


def a_channel_is_mapped(ledger: Ledger) -> None:
    ledger.change_rule("delete from policy.channels where source = 'EMAIL'")


def a_credit_changes(ledger: Ledger) -> None:
    ledger.change_rule("update policy.rate_plan_charges set credits_per_block = 0.3 where meter = 'listening'")


def a_plan_gets_tiers(ledger: Ledger) -> None:
    ledger.change_rule(
        "update policy.rate_plan_charges set charge_model = 'graduated', included_quantity = 0 "
        "where charge_id = 'starter_dar_overage'"
    )
    ledger.change_rule(
        "insert into policy.rate_plan_tiers (charge_id, tier_from, tier_to, unit_price, flat_price, effective_from) "
        "values ('starter_dar_overage', 0, 3, 1, 0, '2020-01-01'), ('starter_dar_overage', 3, null, 2, 5, '2020-01-01')"
    )


def a_tier_changes(ledger: Ledger) -> None:
    ledger.change_rule(
        "update policy.rate_plan_tiers set unit_price = 4 where charge_id = 'starter_dar_overage' and tier_from = 3"
    )


def write_contracts(ledger: Ledger, accounts: str) -> None:
    terms = {"rate_plan_id": "starter", "starts_on": "2026-03-01", "functions_over_cap": "charge"}
    write_reference(
        ledger.settings.landing,
        contracts=[{"contract_id": f"{name}1", "account_id": name, **terms} for name in accounts],
    )


def a_contract_goes(ledger: Ledger) -> None:
    write_contracts(ledger, "B")


def a_message_from_the_future(ledger: Ledger) -> None:
    put(ledger, "future", [talk("ahead", "2026-04-22 10:00")])
    put_calls(ledger, "future", [call("ahead", "2026-04-22 10:00")])


def the_clock_reaches_it(ledger: Ledger) -> None:
    ledger.settings = replace(ledger.settings, as_of=AS_OF + timedelta(days=2))


STEPS: tuple[Callable[[Ledger], None], ...] = (
    first_month, nothing_new, a_day_more, late_copies_that_grow_and_contradict, a_file_less,
    another_name_and_another_content, a_consumer_becomes_known, calls_come, a_call_comes_again_with_another_date,
    its_last_file_goes, calls_take_another_path, a_trigger_no_longer_counts, a_site_moves, a_rule_changes,
    a_channel_is_mapped, a_credit_changes, a_plan_gets_tiers, a_tier_changes, a_contract_goes,
    a_message_from_the_future, the_clock_reaches_it,
)  # fmt: skip


def test_each_step_ends_where_a_first_look_would(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    rebuilt, rated, called = {}, {}, {}
    for step in STEPS:
        before = ledger.kept() if step is not first_month else {}
        step(ledger)
        ledger.load()
        ledger.build()
        kept, anew = ledger.kept(), ledger.seen_anew(monkeypatch)
        for name in KEPT:
            assert kept[name] == anew[name], f"{name} after {step.__name__}"
        assert before != kept or step in (nothing_new, a_message_from_the_future), f"{step.__name__} changed nothing"
        rebuilt[step] = changed_days(ledger)
        rated[step] = changed_periods(ledger)
        called[step] = changed_call_days(ledger)
    assert rebuilt[nothing_new] == set()
    # 12:58 UTC is 23:58 on Lord Howe: what follows a minute later is of the next date.
    assert rebuilt[a_day_more] == {("south", date(2026, 3, 27)), ("south", date(2026, 3, 28))}
    assert rebuilt[a_consumer_becomes_known] == {("north", date(2026, 2, 26))}
    assert {place for place, _ in rebuilt[a_site_moves]} == {"east", "new"}
    assert rebuilt[the_clock_reaches_it] >= {("south", date(2026, 4, 22))}
    assert len(rebuilt[the_clock_reaches_it]) < 5
    assert called[nothing_new] == called[a_day_more] == called[a_rule_changes] == set()
    assert called[calls_come] == {("south", date(2026, 3, 27)), ("south", date(2026, 3, 28))}
    assert called[a_call_comes_again_with_another_date] == {("south", date(2026, 3, 27)), ("south", date(2026, 3, 29))}
    assert called[its_last_file_goes] == called[a_call_comes_again_with_another_date]
    assert called[a_trigger_no_longer_counts] >= {("south", date(2026, 3, 27)), ("south", date(2026, 3, 28))}
    assert {place for place, _ in called[a_site_moves]} == {"east"}
    assert called[the_clock_reaches_it] == {("south", date(2026, 4, 22))}
    assert rated[nothing_new] == rated[a_consumer_becomes_known] == rated[a_message_from_the_future] == set()
    # April's lines compare it with March at the terms of March.
    assert rated[a_day_more] == {("B1", 3), ("B1", 4)}
    assert rated[a_site_moves] == {("B1", 4)}
    assert rated[a_tier_changes] == {("A1", 3), ("A1", 4), ("B1", 3), ("B1", 4)}
    assert rated[a_contract_goes] == {("A1", 3), ("A1", 4)}


def test_a_rebuild_gives_the_same(ledger: Ledger) -> None:
    before = ledger.kept()
    ledger.build("--full-refresh")
    assert ledger.kept() == before


def test_a_death_in_between_starts_anew(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    put(ledger, "part1", [talk("again", "2026-03-05 10:00")])
    ledger.load()
    ledger.build(select=["+int_conversation_outcomes"])
    # What the dead build had taken in goes again: the one that follows must not believe that it is there.
    (ledger.folder / "part1.jsonl").unlink()
    ledger.load()
    ledger.build()
    assert ledger.kept() == ledger.seen_anew(monkeypatch)


@pytest.mark.parametrize("last", ["int_rating_changed", "int_part_edges", "int_tier_edges", "int_rated_usage"])
def test_a_death_while_rating_rates_anew(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, last: str) -> None:
    for accounts, select in (("B", None), ("AB", [f"+{last}", "+int_inputs_built"]), ("B", None)):
        write_contracts(ledger, accounts)
        ledger.load()
        ledger.build(select=select)
    kept, anew = ledger.kept(), ledger.seen_anew(monkeypatch)
    for name in KEPT:
        assert kept[name] == anew[name], name
    assert len(changed_periods(ledger)) == (2 if last == "int_rating_changed" else 4)


def test_any_order_of_days_gives_the_same(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(11)
    days = [talk(f"o{n}", f"2026-03-{dice.randrange(2, 30):02} {dice.randrange(24):02}:50", who=f"k{n % 5}", texts=4)
            for n in range(24)]  # fmt: skip
    for n in range(2):
        put(ledger, f"batch{n}", dice.sample(days, 15))
        ledger.load()
        ledger.build()
    assert ledger.kept() == ledger.seen_anew(monkeypatch)


# Data tests of what is kept from build to build, and a damage that each must tell. Keys and messages are looked at on
# dates made anew; whether models agree with each other on every date, be it one that no build believes to have changed.
TWINS = "insert into {0} select * from {0} semi join changed using (site_id, activity_date)"
ANEW = "where (site_id, activity_date) in (from changed)"
NOT_ANEW = "where (site_id, activity_date) not in (from changed)"
DAMAGES = (
    ("unique_combination_int_relationship_days*", "int_relationship_days", TWINS),
    ("unique_combination_fct_daily_active_relationships*", "int_relationship_days", TWINS),
    ("unique_combination_int_listened_conversation_days*", "int_listened_conversation_days", TWINS),
    ("unique_combination_int_conversation_outcomes*", "int_conversation_outcomes", TWINS),
    ("a_relationship_counts_once_per_site_day", "int_relationship_days", f"delete from {{0}} {NOT_ANEW}"),
    ("channels_and_listening_belong_to_a_dar", "int_relationship_day_channels", f"delete from {{0}} {NOT_ANEW}"),
    ("channels_and_listening_belong_to_a_dar", "int_relationship_days", f"delete from {{0}} {NOT_ANEW}"),
    ("every_dar_has_its_evidence*", "int_relationship_days", f"update {{0}} set evidence_message_id = '' {ANEW}"),
    ("every_dar_has_its_evidence*", "int_relationship_days",
     f"update {{0}} set evidence_conversation_id = '' {NOT_ANEW}"),
)  # fmt: skip


def test_a_damage_is_told(ledger: Ledger) -> None:
    for day in ("27", "28"):
        put(ledger, f"day{day}", [talk(f"day{day}", f"2026-03-{day} 10:00")])
        ledger.load()
        ledger.build()
    assert models._build(ledger.settings, ["--select", *(name for name, *_ in DAMAGES)], None, "all").failures == []
    for name, table, damage in DAMAGES:
        with connect(ledger.settings) as connection:
            connection.execute("use intermediate; create temp view changed as from int_changed_days")
            connection.execute(f"create or replace table main.whole as from {table}; {damage.format(table)}")
        failures = models._build(ledger.settings, ["--select", name], None, "all").failures
        assert [f"the test {name.rstrip('*')}" in failure for failure in failures] == [True], (name, failures)
        with connect(ledger.settings) as connection:
            connection.execute(f"use intermediate; delete from {table}; insert into {table} from main.whole")
