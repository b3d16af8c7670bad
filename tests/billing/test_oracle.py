"""The oracle against numbers worked out by hand: SPEC's examples, its rules and their edges.

What is proven here may then judge the warehouse.
"""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import (
    Charge,
    Contract,
    Credit,
    Ledger,
    Line,
    Plan,
    Policy,
    Result,
    State,
    Tier,
    close,
    compute,
    draft,
    rate_charge,
    total_billed,
)
from oracle.arithmetic import next_month, rounded
from oracle.build import (
    STARTER_POLICY,
    conversation,
    invocation,
    message,
    millis,
    one_site,
    site,
    snapshot,
    user,
    write_json,
    write_lines,
    write_page,
    write_policy,
    write_reference,
)
from oracle.rating import PolicyError, allocated, parts
from oracle.zones import SiteCalendar, SiteRow

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
MARCH = date(2026, 3, 1)
CONTRACT = Contract("c1", "A", "starter", date(2016, 1, 1), None, "charge")
F = Fraction


def dollars(text: str) -> Fraction:
    return Fraction(text)


def starter(charge_id: str) -> Charge:
    """A row of P5, from the CSV form that the builders write."""
    row = next(row for row in STARTER_POLICY["rate_plan_charges"] if row["charge_id"] == charge_id)
    return Charge(
        "starter",
        charge_id,
        row["meter"],
        row["charge_model"],
        F(row["included_quantity"]),
        F(row["block_size"]),
        F(row["credits_per_block"]),
        F(row["price_per_block"]),
        row["rounding"] or None,
    )


def rate(charges: Charge | list[Charge], usage: int | dict, tiers: list[Tier] | None = None, **more) -> list[Line]:
    """Lines of one charge for March 2026 in USD; a bare number is used on 15 March by site s1."""
    rows = charges if isinstance(charges, list) else [charges]
    by_day = usage if isinstance(usage, dict) else {("s1", date(2026, 3, 15)): F(usage)}
    contract = more.pop("contract", CONTRACT)
    return rate_charge(contract, rows, tiers or [], by_day, MARCH, **{"currency_code": "USD", "minor_units": 2} | more)


def only(lines: list[Line]) -> Line:
    assert len(lines) == 1
    return lines[0]


# --- rating: the worked examples of SPEC section 3 -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [(0, "0"), (1999, "0"), (2000, "0"), (2001, "39"), (2100, "39"), (2101, "78"), (2200, "78")],
)
def test_dar_above_the_allowance_is_charged_in_started_blocks(quantity: int, amount: str) -> None:
    assert only(rate(starter("starter_dar_overage"), quantity)).amount == dollars(amount)


@pytest.mark.parametrize(
    ("quantity", "credits", "amount"),
    [(150_000, 0, "0"), (150_001, 1, "0.39"), (150_250, 1, "0.39"), (150_251, 2, "0.78")],
)
def test_invocations_above_the_cap_take_a_credit_for_every_250(quantity: int, credits: int, amount: str) -> None:
    line = only(rate(starter("starter_functions"), quantity))
    assert (line.credits, line.amount) == (credits, dollars(amount))


def test_1234_listened_relationships_are_246_8_credits() -> None:
    line = only(rate(starter("starter_listening"), 1234))
    assert (line.blocks, line.credits, line.amount) == (1234, F("246.8"), dollars("96.25"))


def test_a_price_change_inside_a_month_keeps_one_allowance_and_one_block_count() -> None:
    old = replace(starter("starter_dar_overage"), effective_to=date(2026, 3, 10))
    new = replace(old, price_per_block=F(45), effective_from=date(2026, 3, 10), effective_to=date.max)
    usage = {("s1", date(2026, 3, 1)): F(400), ("s1", date(2026, 3, 20)): F(1700)}
    first, second = rate([old, new], usage)
    assert (first.quantity, first.amount) == (400, 0)
    assert (second.quantity, second.blocks, second.amount) == (1700, 1, 45)
    assert (first.usage_from, first.usage_to) == (date(2026, 3, 1), date(2026, 3, 10))
    assert (second.usage_from, second.usage_to) == (date(2026, 3, 10), date(2026, 4, 1))


# --- rating: models, edges ------------------------------------------------------------------------------------------


GRADUATED = [
    Tier("t", F(0), F(500), F(0), F(10)),
    Tier("t", F(500), F(5000), F("0.42")),
    Tier("t", F(5000), None, F("0.31"), F(100)),
]


def tiered(model: str, **more) -> Charge:
    return Charge("starter", "t", "dar", model, **more)


@pytest.mark.parametrize(
    ("quantity", "amount"),
    [
        (0, "10"),
        (500, "10"),
        (501, "10.42"),
        (5000, "1900"),  # 10 + 4500 x 0.42
        (5001, "2000.31"),  # + 100 flat + 0.31
    ],
)
def test_graduated_prices_each_tier_and_flat_prices_of_tiers_entered(quantity: int, amount: str) -> None:
    line = only(rate(tiered("graduated"), quantity, GRADUATED))
    assert line.amount == dollars(amount)
    assert sum(use.amount for use in line.tiers) == dollars(amount)
    assert (line.blocks, line.credits, line.unit_price) == (None, None, None)


@pytest.mark.parametrize(("quantity", "amount"), [(0, "10"), (500, "10"), (501, "210.42"), (5001, "1650.31")])
def test_volume_prices_all_by_the_tier_that_it_falls_in(quantity: int, amount: str) -> None:
    line = only(rate(tiered("volume"), quantity, GRADUATED))
    assert line.amount == dollars(amount)
    assert [use.amount for use in line.tiers] == [dollars(amount)]


def test_included_quantity_comes_before_the_tiers() -> None:
    line = only(rate(tiered("graduated", included_quantity=F(100)), 601, GRADUATED))
    assert (line.billable_quantity, line.amount) == (501, dollars("10.42"))


def test_flat_is_one_price_a_period_whatever_the_usage() -> None:
    flat = Charge("starter", "f", "subscription", "flat", price_per_block=F(900))
    line = only(rate(flat, {}))
    assert (line.line_kind, line.quantity, line.amount, line.blocks) == ("subscription", 1, 900, None)


def test_a_flat_price_that_changes_inside_a_month_is_that_of_the_first_part() -> None:
    old = Charge("starter", "f", "subscription", "flat", price_per_block=F(900), effective_to=date(2026, 3, 2))
    new = replace(old, price_per_block=F(1000), effective_from=date(2026, 3, 2), effective_to=date.max)
    assert [(line.quantity, line.amount) for line in rate([old, new], {})] == [(1, 900), (0, 0)]


@pytest.mark.parametrize(
    ("rounding", "blocks", "amount"), [("up", 2, "78"), ("down", 1, "39"), ("none", F("1.01"), "39.39")]
)
def test_block_rounding_is_a_term(rounding: str, blocks: Fraction, amount: str) -> None:
    line = only(rate(replace(starter("starter_dar_overage"), rounding=rounding), 2101))
    assert (line.blocks, line.amount) == (blocks, dollars(amount))


def test_minimum_then_maximum() -> None:
    charge = starter("starter_cobrowse")
    assert only(rate(replace(charge, minimum_amount=F(5)), 0)).amount == 5
    assert only(rate(replace(charge, maximum_amount=F(5)), 100)).amount == 5
    assert only(rate(replace(charge, minimum_amount=F(9), maximum_amount=F(5)), 1)).amount == 5


def test_minimum_and_maximum_of_the_last_term_fall_in_the_last_part() -> None:
    old = Charge(
        "p", "c", "dar", "standard", price_per_block=F(1), minimum_amount=F(99), effective_to=date(2026, 3, 11)
    )
    new = replace(old, minimum_amount=F(20), effective_from=date(2026, 3, 11), effective_to=date.max)
    usage = {("s1", date(2026, 3, 1)): F(3), ("s1", date(2026, 3, 20)): F(4)}
    assert [line.amount for line in rate([old, new], usage)] == [3, 17]


def test_amounts_round_half_away_from_zero_and_once() -> None:
    assert only(rate(Charge("p", "c", "dar", "standard", price_per_block=F("0.005")), 1)).amount == dollars("0.01")
    assert only(rate(Charge("p", "c", "dar", "standard", price_per_block=F("0.005")), 3)).amount == dollars("0.02")
    assert rounded(F("-0.005"), 2) == F("-0.01")
    assert rounded(F("-0.0049999"), 2) == 0
    third = Charge("p", "c", "dar", "standard", block_size=F(3), price_per_block=F(1))
    assert only(rate(third, 1)).blocks == F("0.333333")
    assert only(rate(third, 2)).blocks == F("0.666667")
    assert only(rate(third, 3000)).amount == 1000  # not 3000 x 0.33


@pytest.mark.parametrize(("minor_units", "amount"), [(0, "1"), (2, "0.50"), (3, "0.500")])
def test_a_line_is_rounded_to_its_currency(minor_units: int, amount: str) -> None:
    line = only(rate(Charge("p", "c", "dar", "standard", price_per_block=F("0.5")), 1, minor_units=minor_units))
    assert line.amount == dollars(amount)


def test_a_thousand_million_units_do_not_lose_a_cent() -> None:
    assert only(rate(starter("starter_listening"), 10**9)).amount == 78_000_000
    assert only(rate(starter("starter_dar_overage"), 10**9 + 1)).amount == 39 * (10**7 - 20 + 1)


def test_parts_change_on_the_first_and_on_the_last_date() -> None:
    whole = Charge("p", "c", "dar", "standard")
    days = [MARCH + timedelta(days=n) for n in range(31)]
    new = replace(whole, effective_from=MARCH)
    assert len(parts(days, [replace(whole, effective_to=MARCH), new], [])) == 1
    old = replace(whole, effective_to=date(2026, 3, 31))
    last = replace(whole, effective_from=date(2026, 3, 31))
    assert [(p.start, p.end) for p in parts(days, [old, last], [])] == [
        (date(2026, 3, 1), date(2026, 3, 31)),
        (date(2026, 3, 31), date(2026, 4, 1)),
    ]
    with pytest.raises(PolicyError):
        parts(days, [whole, last], [])


def test_dates_without_a_term_of_the_charge_are_not_accumulated() -> None:
    charge = replace(starter("starter_cobrowse"), effective_from=date(2026, 3, 11))
    line = only(rate(charge, {("s1", date(2026, 3, 10)): F(7), ("s1", date(2026, 3, 11)): F(2)}))
    assert (line.quantity, line.usage_from, line.amount) == (2, date(2026, 3, 11), dollars("0.78"))


def test_running_sums_are_rounded_so_that_parts_add_up() -> None:
    old = Charge("p", "c", "dar", "standard", price_per_block=F("0.005"), effective_to=date(2026, 3, 11))
    new = replace(old, effective_from=date(2026, 3, 11), effective_to=date.max)
    usage = {("s1", date(2026, 3, 1)): F(1), ("s1", date(2026, 3, 20)): F(1)}
    assert [line.amount for line in rate([old, new], usage)] == [dollars("0.01"), 0]


def test_a_later_part_under_volume_can_be_negative_and_its_tiers_are_differences() -> None:
    charge = tiered("volume")
    tiers = [Tier("t", F(0), F(10), F(1)), Tier("t", F(10), None, F("0.1"))]
    old = replace(charge, effective_to=date(2026, 3, 11))
    new = replace(charge, effective_from=date(2026, 3, 11))
    usage = {("s1", date(2026, 3, 1)): F(10), ("s1", date(2026, 3, 20)): F(1)}
    first, second = rate([old, new], usage, tiers)
    assert (first.amount, second.amount) == (10, dollars("-8.90"))
    assert [(use.quantity, use.amount) for use in second.tiers] == [(-10, -10), (11, F("1.1"))]


def test_a_stub_takes_its_share_of_allowance_and_flat_prices_only_under_days() -> None:
    contract = replace(CONTRACT, starts_on=date(2026, 3, 22))  # 10 of 31 dates
    usage = {("s1", date(2026, 3, 25)): F(700)}
    charge = starter("starter_dar_overage")
    assert only(rate(charge, usage, contract=contract)).amount == 0
    line = only(rate(charge, usage, contract=contract, stub_allowance="days"))
    assert line.included_quantity == F("645.161290")
    assert (line.blocks, line.amount) == (1, 39)
    flat = Charge("p", "f", "subscription", "flat", price_per_block=F(900))
    assert only(rate(flat, {}, contract=contract, stub_allowance="days")).amount == dollars("290.32")
    assert only(rate(flat, {}, stub_allowance="days")).amount == 900


def test_usage_outside_the_contract_is_not_accumulated() -> None:
    contract = replace(CONTRACT, ends_on=date(2026, 3, 15))
    usage = {("s1", date(2026, 3, 14)): F(1), ("s1", date(2026, 3, 15)): F(1)}
    assert only(rate(starter("starter_cobrowse"), usage, contract=contract)).quantity == 1
    assert rate(starter("starter_cobrowse"), usage, contract=replace(CONTRACT, ends_on=date(2026, 3, 1))) == []


def test_suspended_functions_are_shown_and_not_charged() -> None:
    contract = replace(CONTRACT, functions_over_cap="suspended")
    charge = replace(starter("starter_functions"), minimum_amount=F(50))
    line = only(rate(charge, 150_300, contract=contract))
    assert (line.billable_quantity, line.blocks, line.credits, line.amount, line.tiers) == (300, 0, 0, 0, [])


def test_platform_users_are_rated_once_a_period() -> None:
    charge = Charge("p", "u", "platform_user", "standard", included_quantity=F(10), price_per_block=F(20))
    line = only(rate(charge, {}, provisioned_users={"s1": 9, "s2": 3}, sites_on=lambda days: ["s1", "s2", "s3"]))
    assert (line.quantity, line.amount) == (12, 40)
    assert line.sites == {"s1": (9, 30), "s2": (3, 10)}


def test_a_line_is_allocated_by_usage_with_largest_remainder() -> None:
    assert allocated(F("0.10"), {"b": F(1), "a": F(1), "c": F(1)}, 2) == {
        "a": F("0.04"),
        "b": F("0.03"),
        "c": F("0.03"),
    }
    assert allocated(F("-0.10"), {"b": F(1), "a": F(1), "c": F(1)}, 2)["a"] == F("-0.04")
    assert allocated(F(39), {"a": F(1), "b": F(2000)}, 2) == {"a": F("0.02"), "b": F("38.98")}
    assert allocated(F(1), {}, 2) == {}


def test_usage_in_one_of_three_pooled_sites_only() -> None:
    line = only(rate(starter("starter_dar_overage"), 2001, sites_on=lambda days: ["s1", "s2", "s3"]))
    assert line.sites == {"s1": (2001, 39)}
    idle = replace(starter("starter_cobrowse"), minimum_amount=F(1))
    line = only(rate(idle, {}, sites_on=lambda days: ["s1", "s2", "s3"]))
    assert line.sites == {"s1": (0, F("0.34")), "s2": (0, F("0.33")), "s3": (0, F("0.33"))}
    assert only(rate(starter("starter_cobrowse"), {}, sites_on=lambda days: ["s1"])).sites == {}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abc"), st.integers(0, 400)), max_size=12),
    st.sampled_from(["standard", "package", "graduated", "volume"]),
    st.sampled_from(["up", "down", "none"]),
    st.lists(st.integers(1, 30), max_size=3, unique=True),
    st.integers(0, 500),
)
def test_equal_terms_cut_anywhere_give_what_one_term_gives(
    used: list[tuple[int, str, int]], model: str, rounding: str, cuts: list[int], included: int
) -> None:
    usage: dict[tuple[str, date], Fraction] = {}
    for day, site_id, quantity in used:
        key = (site_id, MARCH + timedelta(days=day))
        usage[key] = usage.get(key, F(0)) + quantity
    charge = Charge("p", "t", "dar", model, F(included), F(7), F(1), F("0.333"), rounding)
    bounds = [date.min, *(MARCH + timedelta(days=cut) for cut in sorted(cuts)), date.max]
    cut_rows = [replace(charge, effective_from=a, effective_to=b) for a, b in itertools.pairwise(bounds)]
    whole = only(rate(charge, usage, GRADUATED))
    lines = rate(cut_rows, usage, GRADUATED)
    assert len(lines) == len(cuts) + 1
    assert sum(line.amount for line in lines) == whole.amount
    assert sum(line.quantity or 0 for line in lines) == sum(usage.values())
    for line in (*lines, whole):
        if line.sites:
            assert sum(amount for _, amount in line.sites.values()) == line.amount
            assert sum(quantity for quantity, _ in line.sites.values()) == line.quantity
    if whole.tiers:
        exact = sum(use.amount for use in whole.tiers)
        assert rounded(F(exact), 2) == whole.amount
        assert sum(use.amount for line in lines for use in line.tiers) == exact


# --- metering --------------------------------------------------------------------------------------------------------


class House:
    """A landing folder with one site and a policy folder."""

    def __init__(self, folder: Path, zone_name: str = "UTC", listening: bool = True, **contract: str) -> None:
        self.landing, self.policy = folder / "landing", folder / "policy"
        write_policy(self.policy)
        one_site(self.landing, zone_name, listening, **contract)
        self.files = 0

    def deliver(self, *conversations: dict, name: str | None = None) -> None:
        self.files += 1
        write_lines(self.landing, name or f"messaging_interactions/{self.files:03}.jsonl", conversations)

    def invoke(self, *records: dict | str, name: str = "function_invocations/1.jsonl") -> None:
        write_lines(self.landing, name, records)

    def result(self, period: date = MARCH, **more) -> Result:
        return compute(self.landing, self.policy, AS_OF, period, **more)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def at(text: str, zone_name: str = "UTC") -> int:
    return millis(text, zone_name)


def metered(result: Result) -> dict[str, Fraction]:
    sums: dict[str, Fraction] = {}
    for row in result.daily_usage:
        sums[row["meter"]] = sums.get(row["meter"], F(0)) + row["quantity"]
    return sums


def test_the_sample_page(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    one_site(landing)
    write_reference(landing, "2", sites=[site("qa26409991", "A", "UTC")])
    (landing / "messaging_interactions").mkdir()
    shutil.copy(FIXTURES / "messaging_interactions_page.json", landing / "messaging_interactions" / "page.json")
    result = compute(landing, write_policy(tmp_path / "policy"), AS_OF, date(2017, 10, 1))
    assert {row["activity_date"]: row["composition"] for row in result.dar} == {
        date(2016, 8, 29): "human_consumer",
        date(2017, 10, 24): "human_only",
    }
    assert [row["is_interactive"] for row in result.cobrowse_sessions] == [True, True]
    assert {row["activity_date"] for row in result.cobrowse_sessions} == {date(2017, 9, 25)}
    assert result.rejected == [] and result.conflicts == [] and result.unrated == []
    assert result.first_billed_period == date(2016, 8, 1)
    assert len(result.lines) == 15 * 5
    # 0.078 listened in August 2016; two sessions in September 2017. The channel APP is not on Starter's list.
    assert sum(row["amount"] for row in result.invoices) == dollars("0.08") + dollars("0.78")
    assert [row["is_listed"] for row in result.channel_credits] == [False, False]


def test_two_channels_of_one_consumer_on_one_date(house: House) -> None:
    house.deliver(
        conversation("v1", [message("m1", at("2026-03-05 10:00"))], source="SHARK"),
        conversation("v2", [message("m1", at("2026-03-05 15:00"))], source="SMS"),
    )
    result = house.result()
    assert metered(result) == {"dar": 1, "channel_credit": 2, "listening": 1}
    assert [row["credits"] for row in result.listening_credits] == [F("0.2"), 0]
    assert result.dar[0]["conversations"] == 2
    amounts = {row["charge_id"]: row["amount"] for row in result.lines}
    assert amounts["starter_listening"] == dollars("0.08")
    assert amounts["starter_channel_credits"] == 0


def test_a_conversation_over_midnight_touches_two_relationship_days(tmp_path: Path) -> None:
    zone_name = "Pacific/Auckland"
    house = House(tmp_path, zone_name)
    house.deliver(
        conversation(
            "v1",
            [message("m1", at("2026-03-05 23:50", zone_name)), message("m2", at("2026-03-06 00:10", zone_name))],
        )
    )
    result = house.result()
    assert [row["activity_date"] for row in result.dar] == [date(2026, 3, 5), date(2026, 3, 6)]
    assert sum(row["credits"] for row in result.listening_credits) == F("0.4")


def test_compositions_and_who_counts(house: House) -> None:
    day = at("2026-03-05 10:00")
    senders = {
        "human_only": [("Agent", "a1")],
        "bot_only": [("AGENT", "b1")],
        "consumer_only": [("consumer", None)],
        "human_bot": [("Agent", "a1"), ("Agent", "b1")],
        "bot_consumer": [("Agent", "b1"), ("Consumer", None)],
        "human_consumer": [("Agent", "nobody"), ("Consumer", None)],
        "human_bot_consumer": [("Agent", "a1"), ("Agent", "b1"), ("Consumer", None), ("Agent", "sys")],
    }
    for number, (name, sent) in enumerate(senders.items()):
        house.deliver(
            conversation(
                name,
                [
                    message(f"m{n}", day, side, who or (f"k{number}" if side.lower() == "consumer" else None))
                    for n, (side, who) in enumerate(sent)
                ],
                consumers=[f"k{number}"],
            )
        )
    house.deliver(
        conversation("system", [message("m", day, "Agent", "sys")], consumers=["k8"]),
        conversation("whisper", [message("m", day, "Agent", audience="AGENTS_AND_MANAGERS")], consumers=["k9"]),
        conversation("side", [message("m", day, "Robot")], consumers=["k10"]),
    )
    result = house.result()
    assert {row["evidence_conversation_id"]: row["composition"] for row in result.dar} == {n: n for n in senders}
    unknown = next(row for row in result.dar if row["evidence_conversation_id"] == "human_consumer")
    assert unknown["human_messages"] == 1
    assert [row["reason"] for row in result.rejected] == ["unknown_sender_side"]
    assert result.records["message"] == {"received": 16, "counted": 12, "not_counted": 3, "rejected": 1} | {
        "other_copies": 0
    }


def test_an_agent_listed_later_changes_the_kind_and_is_no_conflict(house: House) -> None:
    sent = message("m1", at("2026-03-05 10:00"), "Agent", "a9")
    house.deliver(conversation("v1", [sent]))
    assert house.result().dar[0]["composition"] == "human_only"
    house.deliver(conversation("v1", [sent], agents={"a9": 2}))
    result = house.result()
    assert result.dar[0]["composition"] == "bot_only"
    assert result.conflicts == []
    assert result.records["message"]["other_copies"] == 1


def test_user_type_wins_over_its_name_and_the_last_listing_over_earlier_ones(house: House) -> None:
    sent = [message("m1", at("2026-03-05 10:00"), "Agent", "x")]
    for agents, expected in (
        ([{"agentId": "x", "userType": 2, "userTypeName": "Human"}], "bot_only"),
        ([{"agentId": "x", "userType": "undefined", "userTypeName": "Bot"}], "bot_only"),
        ([{"agentId": "x", "userType": "2", "timeL": 5}, {"agentId": "x", "userType": "1", "timeL": 4}], "bot_only"),
        ([{"agentId": "x", "userType": "2"}, {"agentId": "x", "userType": "1", "timeL": 4}], "human_only"),
        ([{"agentId": "x", "userType": "2", "timeL": 4}, {"agentId": "x", "userType": "7", "timeL": 9}], "bot_only"),
    ):
        house.deliver(
            conversation("v1", sent, agents={}) | {"agentParticipants": agents}, name="messaging_interactions/1.jsonl"
        )
        assert house.result().dar[0]["composition"] == expected


def test_the_consumer_of_a_conversation(house: House) -> None:
    reply = message("m1", at("2026-03-05 10:00"), "Agent")
    two = [{"participantId": "late", "timeL": 9}, {"participantId": "early", "timeL": 2}, {"participantId": "a"}]
    house.deliver(conversation("v1", [reply], consumers=[]) | {"consumerParticipant": two})
    house.deliver(conversation("v2", [reply, message("m2", at("2026-03-05 11:00"), who="k7")], consumers=[]))
    house.deliver(conversation("v3", [reply, message("m2", at("2026-03-05 10:00"), "Agent", "sys")], consumers=[]))
    result = house.result()
    assert {(row["relationship_id"], row["composition"]) for row in result.dar} == {
        ("early", "human_only"),
        ("k7", "human_consumer"),
    }
    assert [row["reason"] for row in result.rejected] == ["no_consumer"]
    house.deliver(conversation("v3", [reply], consumers=["k8"]))
    assert len(house.result().dar) == 3


def test_a_message_is_counted_once_and_conflicts_are_listed(house: House) -> None:
    first = message("m1", at("2026-03-05 10:00"))
    moved = message("m1", at("2026-03-06 10:00"))
    house.deliver(conversation("v1", [first]))
    house.deliver(conversation("v1", [first, message("m2", at("2026-03-05 10:01"))]))
    result = house.result()
    assert (len(result.dar), result.dar[0]["consumer_messages"], result.conflicts) == (1, 2, [])
    house.deliver(conversation("v1", [moved]), name="messaging_interactions/000.jsonl")
    result = house.result()
    # The copy with the later last message wins, although its path sorts first.
    assert [row["activity_date"] for row in result.dar] == [date(2026, 3, 5), date(2026, 3, 6)]
    assert [(row["copies"], row["winner_file"]) for row in result.conflicts] == [
        (3, "messaging_interactions/000.jsonl")
    ]


def test_of_equal_copies_more_messages_then_the_last_path_then_the_later_place(house: House) -> None:
    last = message("z", at("2026-03-05 12:00"))

    def copy(source: str, *more: dict) -> dict:
        return conversation("v1", [*more, last], source=source)

    house.deliver(copy("SHARK"), copy("SMS"), name="messaging_interactions/b.jsonl")
    assert house.result().channel_credits[0]["channel"] == "SMS"
    house.deliver(copy("EMAIL"), name="messaging_interactions/c.jsonl")
    assert house.result().channel_credits[0]["channel"] == "Email Messaging"
    house.deliver(copy("FACEBOOK", message("a", at("2026-03-05 11:00"))), name="messaging_interactions/a.jsonl")
    assert house.result().channel_credits[0]["channel"] == "Facebook Messenger"
    # A copy whose last message is not plausible has its last plausible one.
    house.deliver(copy("SHARK", message("c", 5)), name="messaging_interactions/0.jsonl")
    assert {row["channel"] for row in house.result().channel_credits} == {"Facebook Messenger"}


def test_identical_content_has_its_last_path(house: House) -> None:
    same = conversation("v1", [message("m1", at("2026-03-05 10:00"))])
    house.deliver(same, name="messaging_interactions/a.jsonl")
    house.deliver(same, name="messaging_interactions/z.jsonl")
    result = house.result()
    assert result.records["message"]["received"] == 1
    house.deliver(
        conversation("v1", [message("m1", at("2026-03-05 10:00"))], source="SMS"), name="messaging_interactions/m.jsonl"
    )
    assert house.result().conflicts[0]["winner_file"] == "messaging_interactions/z.jsonl"


def test_a_value_that_a_copy_lacks_is_no_difference(house: House) -> None:
    when = at("2026-03-05 10:00")
    house.deliver(conversation("v1", [message("m1", when)]))
    house.deliver(conversation("v1", [{"messageId": "m1", "timeL": when, "sentBy": "Consumer"}], source=None))
    result = house.result()
    assert result.conflicts == []
    # The winner's missing source is not filled from the other copy: unrated.
    assert [(row["reason"], row["quantity"]) for row in result.unrated] == [("unmapped_channel", 1)]


def test_instants_are_read_from_the_l_field_then_the_text_twin(house: House) -> None:
    house.deliver(
        conversation(
            "v1",
            [
                message("m1", str(at("2026-03-01 10:00")), time="2026-03-09 00:00:00.000+0000"),
                message("m2", "undefined", time="2026-03-03 00:30:00.000+0200"),
                message("m3", None, time="undefined"),
                message("m4", 5),
                message("m5", at("2026-11-21 12:00")),  # one day after as-of: the last plausible instant
                message("m6", at("2026-11-21 12:00") + 1),
                message("m7", at("1999-12-31 23:59:59.999")),
                message("m8", at("2026-03-01 10:00") // 1000),
            ],
        )
    )
    result = house.result()
    assert [row["activity_date"] for row in result.dar] == [date(2026, 3, 1), date(2026, 3, 2), date(2026, 11, 21)]
    assert sorted(row["reason"] for row in result.rejected) == ["implausible_instant"] * 4 + ["missing_instant"]


def test_unmapped_and_unlisted_channels(house: House) -> None:
    for number, source in enumerate(("APP", "CARRIER_PIGEON", "shark", "undefined")):
        house.deliver(conversation(f"v{number}", [message("m1", at("2026-03-05 10:00"))], source=source))
    result = house.result()
    assert [(row["channel"], row["is_listed"], row["credits"]) for row in result.channel_credits] == [("APP", False, 0)]
    # One per DAR and source, a missing source too; each in fct_daily_usage as well.
    assert [(row["reason"], row["meter"], row["quantity"]) for row in result.unrated] == [
        ("unmapped_channel", "channel_credit", 3)
    ]
    assert metered(result) == {"dar": 1, "channel_credit": 3, "listening": 1}
    line = next(row for row in result.lines if row["charge_id"] == "starter_channel_credits")
    assert line["quantity"] == 0


def test_usage_without_a_contract_or_a_term_is_listed(tmp_path: Path) -> None:
    house = House(tmp_path, starts_on="2026-03-10")
    house.deliver(
        conversation("v1", [message("m1", at("2026-03-09 10:00"))]),
        conversation("v2", [message("m1", at("2026-03-10 10:00"))]),
    )
    charges = [row for row in STARTER_POLICY["rate_plan_charges"] if row["meter"] != "listening"]
    write_policy(house.policy, rate_plan_charges=charges)
    result = house.result()
    assert [(row["activity_date"].day, row["meter"], row["reason"]) for row in result.unrated] == [
        (9, "channel_credit", "no_contract"),
        (9, "dar", "no_contract"),
        (9, "listening", "no_contract"),
        (10, "listening", "no_term"),
    ]
    assert [(row["activity_date"].day, row["contract_id"]) for row in result.daily_usage if row["meter"] == "dar"] == [
        (9, None),
        (10, "c1"),
    ]
    without = next(row for row in result.channel_credits if row["activity_date"].day == 9)
    assert (without["is_listed"], without["credits"]) == (False, 1)
    assert [row["credits"] for row in result.listening_credits] == [F("0.2"), F("0.2")]


def test_listening_needs_the_consumer_while_it_was_on(tmp_path: Path) -> None:
    house = House(tmp_path)
    write_reference(
        house.landing,
        "2",
        sites=[site("s1", "A", "UTC", False), site("s1", "A", "UTC", True, "2026-03-05T12:00:00Z")],
    )
    house.deliver(
        conversation("v1", [message("m1", at("2026-03-05 11:00"))], consumers=["k1"]),
        conversation("v2", [message("m1", at("2026-03-05 13:00"), who="k2")], consumers=["k2"]),
        conversation("v3", [message("m1", at("2026-03-05 13:00"), "Agent")], consumers=["k3"]),
    )
    assert [row["conversation_id"] for row in house.result().listening_credits] == ["v2"]


def test_the_first_conversation_carries_the_listening_credit_or_each_does(house: House) -> None:
    house.deliver(
        # v1: the consumer wrote last of all, but the conversation's first counted message is the earliest.
        conversation("v1", [message("m1", at("2026-03-05 08:00"), "Agent"), message("m2", at("2026-03-05 20:00"))]),
        conversation("v0", [message("m1", at("2026-03-05 09:00"))]),
    )
    rows = house.result().listening_credits
    assert [(row["conversation_id"], row["credits"]) for row in rows] == [("v1", F("0.2")), ("v0", 0)]
    write_policy(house.policy, rate_plans=[STARTER_POLICY["rate_plans"][0] | {"listening_grain": "conversation_dar"}])
    result = house.result()
    assert [row["credits"] for row in result.listening_credits] == [F("0.2"), F("0.2")]
    assert metered(result)["listening"] == 2


def session(session_id: str, start: str | int, became: object = None, /, **more: object) -> dict:
    record: dict = {"sessionId": session_id, "startTimeL": at(start) if isinstance(start, str) else start}
    if became is not None:
        record["interactiveTimeL"] = at(became) if isinstance(became, str) and became.startswith("20") else became
    return record | more


def test_cobrowse_sessions(house: House) -> None:
    night, morning = "2026-03-05 23:59", "2026-03-06 00:01"
    house.deliver(
        conversation(
            "v1",
            [],
            sessions=[
                session("dated by its instant", night, morning, isInteractive=True),
                session("zero: the start", night, 0, interactive=True),
                session("minus one: the start", night, "-1", interactive="true"),
                session("twin", night, "undefined", interactive=True, interactiveTime="2026-03-06 00:02:00.000+0000"),
                session("never", night, morning, interactive=False),
                session("no start", -1, morning, isInteractive=True),
                session("nothing", "2026-03-05 00:00", isInteractive=True) | {"startTimeL": "null"},
                {"startTimeL": at(night), "interactive": True},
            ],
        )
    )
    result = house.result()
    assert {row["session_id"]: row["activity_date"].day for row in result.cobrowse_sessions} == {
        "dated by its instant": 6,
        "zero: the start": 5,
        "minus one: the start": 5,
        "twin": 6,
        "never": 5,
        "no start": 6,
    }
    assert metered(result) == {"cobrowse_session": 5}
    assert sorted(row["reason"] for row in result.rejected) == ["missing_instant", "missing_session_id"]


def test_a_session_turns_interactive_and_then_only_such_copies_decide(house: House) -> None:
    night = "2026-03-05 23:59"
    house.deliver(conversation("v1", [], sessions=[session("x", "2026-03-01 10:00", interactive=False)]))
    house.deliver(conversation("v1", [], sessions=[session("x", night, "2026-03-06 00:01", isInteractive=True)]))
    house.deliver(
        conversation(
            "v1",
            [message("m1", at("2026-03-07 10:00"))],
            sessions=[session("x", "2026-03-07 10:00", interactive=False)],
        )
    )
    result = house.result()
    assert [(row["activity_date"].day, row["credits"]) for row in result.cobrowse_sessions] == [(6, 1)]
    assert result.conflicts == []
    house.deliver(conversation("v1", [], sessions=[session("x", night, "2026-03-08 00:01", isInteractive=True)]))
    result = house.result()
    assert [row["activity_date"].day for row in result.cobrowse_sessions] == [8]  # the last path
    assert len(result.conflicts) == 1


def test_invocations(house: House) -> None:
    day = at("2026-03-05 10:00")
    house.invoke(
        invocation("i1", day),
        invocation("i2", day, "20"),
        invocation("i3", day, state="FAILED"),
        invocation("i4", day, trigger="MANUAL_TEST"),
        invocation("i5", day, trigger="NEW"),
        invocation("i6", day, 0),
        invocation("i7", day, -3),
        invocation("i8", day, 1.5),
        invocation("i9", day, "many"),
        invocation("i1", day, 1),
        invocation("i2", day, 30),
        '{"broken": ',
        '{"accountId": "s1"}',
        invocation("i10", day, accountId="elsewhere"),
    )
    result = house.result()
    assert [(row["invocations"], row["uncounted_invocations"]) for row in result.function_invocations] == [(33, 1)]
    # i1: a count not stated is lacking; i2: 20 against 30, the later place wins.
    assert [row["key"] for row in result.conflicts] == [("s1", "i2")]
    assert sorted((row["reason"], row["line"]) for row in result.rejected) == [
        ("broken_json", 12),
        ("invalid_count", 6),
        ("invalid_count", 7),
        ("invalid_count", 8),
        ("invalid_count", 9),
        ("missing_invocation_id", 13),
        ("unknown_site", 14),
    ]


def test_invocations_above_the_cap_from_files_to_the_invoice(house: House) -> None:
    house.invoke(invocation("i1", at("2026-03-05 10:00"), 150_251))
    result = house.result()
    assert [(row["amount"], row["document_type"], row["lines"]) for row in result.invoices] == [
        (dollars("0.78"), "invoice", 5)
    ]
    assert result.line_sites == [
        {
            "line": ("c1", MARCH, MARCH, "charge", "starter_functions", MARCH),
            "site_id": "s1",
            "quantity": 150_251,
            "amount": dollars("0.78"),
        }
    ]


def test_platform_users_peak(tmp_path: Path) -> None:
    house = House(tmp_path, "Asia/Kathmandu")
    write_reference(house.landing, "2", sites=[site("s1", "A", "Asia/Kathmandu"), site("s2", "A", "UTC")])
    humans = [user(f"u{n}") for n in range(8)]
    folder = "platform_users/"
    write_json(house.landing, folder + "1.json", snapshot("s1", at("2026-02-10 00:00"), humans))
    write_json(house.landing, folder + "2.json", snapshot("s1", at("2026-03-10 12:00"), humans[:2]))
    others = [user("b1", 2), user("off", enabled=False), user("gone", deleted=True), user("odd", 3), user("h", "1")]
    write_json(house.landing, folder + "3.json", snapshot("s2", at("2026-03-10 00:00"), [*others, user("b1", 2)]))
    write_json(
        house.landing, folder + "4.json", snapshot("s2", at("2026-03-20 00:00"), [user(f"v{n}") for n in range(5)])
    )
    house.deliver(
        conversation(
            "v1", [message("m1", at("2026-03-05 10:00"), "Agent"), message("m2", at("2026-03-05 10:00"), "Agent", "zz")]
        )
    )
    row = only_row(house.result().platform_users)
    # On 10 March s1 still has 8 for part of its date and s2 has 2; on the 20th 2 + 5.
    assert (row["provisioned_users"], row["active_users"], row["user_limit"], row["is_breach"]) == (10, 1, 10, False)
    write_json(house.landing, folder + "5.json", snapshot("s1", at("2026-03-09 12:00"), [*humans, user("u9")]))
    row = only_row(house.result().platform_users)
    assert (row["provisioned_users"], row["is_breach"]) == (11, True)


def only_row(rows: list[dict]) -> dict:
    assert len(rows) == 1
    return rows[0]


def test_a_site_that_moves_in_mid_day_counts_a_relationship_once_on_a_date(tmp_path: Path) -> None:
    house = House(tmp_path)
    # Noon of 5 March in Auckland is 15:00 of 4 March in Los Angeles: the 4th comes back, the 5th comes again.
    move = at("2026-03-05 12:00", "Pacific/Auckland")
    moved = datetime.fromtimestamp(move / 1000, UTC).isoformat()
    write_reference(
        house.landing,
        "2",
        accounts=[
            {"account_id": "A", "account_name": "Acme", "currency_code": "USD"},
            {"account_id": "B", "account_name": "Bolt", "currency_code": "USD"},
        ],
        sites=[site("s1", "A", "Pacific/Auckland"), site("s1", "B", "America/Los_Angeles", at=moved)],
        contracts=[
            {
                "contract_id": c,
                "account_id": a,
                "rate_plan_id": "starter",
                "starts_on": "2016-01-01",
                "functions_over_cap": "charge",
            }
            for c, a in (("c1", "A"), ("c2", "B"))
        ],
    )
    house.deliver(
        conversation("v1", [message("m1", move - 1), message("m2", move), message("m3", move + 10 * 3_600_000)]),
        conversation("v2", [message("m1", move + 36 * 3_600_000)]),
    )
    result = house.result()
    assert [(row["activity_date"].day, row["consumer_messages"]) for row in result.dar] == [(4, 1), (5, 2), (6, 1)]
    # The 4th and the 5th first began in Auckland, under account A.
    assert {r["activity_date"].day: r["contract_id"] for r in result.daily_usage if r["meter"] == "dar"} == {
        4: "c1",
        5: "c1",
        6: "c2",
    }
    lines = {(row["contract_id"], row["charge_id"]): row["quantity"] for row in result.lines}
    assert (lines["c1", "starter_dar_overage"], lines["c2", "starter_dar_overage"]) == (2, 1)


@pytest.mark.parametrize(
    ("zone_name", "instant", "day"),
    [
        ("Asia/Kathmandu", "2026-03-05 18:14:59", date(2026, 3, 5)),
        ("Asia/Kathmandu", "2026-03-05 18:15:00", date(2026, 3, 6)),
        ("Australia/Lord_Howe", "2026-01-05 12:59:59", date(2026, 1, 5)),
        ("Australia/Lord_Howe", "2026-01-05 13:00:00", date(2026, 1, 6)),
        ("Australia/Lord_Howe", "2026-07-05 13:29:59", date(2026, 7, 5)),
        ("Pacific/Apia", "2011-12-30 09:59:59", date(2011, 12, 29)),
        ("Pacific/Apia", "2011-12-30 10:00:00", date(2011, 12, 31)),
        ("America/Santiago", "2026-09-06 03:59:59", date(2026, 9, 5)),
        ("America/Santiago", "2026-09-06 04:00:00", date(2026, 9, 6)),
        ("Pacific/Kiritimati", "2026-03-31 09:59:59", date(2026, 3, 31)),
        ("Pacific/Kiritimati", "2026-03-31 10:00:00", date(2026, 4, 1)),
        ("Etc/GMT+12", "2026-04-01 11:59:59", date(2026, 3, 31)),
        # The pinned release; older zone data say the 2nd and the 30th.
        ("Africa/Casablanca", "2026-10-01 23:30:00", date(2026, 10, 1)),
        ("America/Havana", "2026-12-01 04:30:00", date(2026, 12, 1)),
    ],
)
def test_dates_in_zones(zone_name: str, instant: str, day: date) -> None:
    calendar = SiteCalendar([SiteRow("s", "A", zone_name, True, datetime(2030, 1, 1, tzinfo=UTC))])
    moment = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert calendar.date_at(moment) == day
    first = calendar.pieces_of(day)[0].start
    assert first <= moment
    assert calendar.date_at(first) == day and calendar.date_at(first - timedelta(microseconds=1)) != day


def test_dates_that_do_not_exist_or_come_back() -> None:
    def calendar(zone_name: str) -> SiteCalendar:
        return SiteCalendar([SiteRow("s", "A", zone_name, True, datetime(2000, 1, 1, tzinfo=UTC))])

    assert calendar("Pacific/Apia").pieces_of(date(2011, 12, 30)) == ()
    assert calendar("Pacific/Apia").row_of(date(2011, 12, 30)) is None
    pieces = calendar("America/St_Johns").pieces_of(date(2010, 11, 6))
    # At 00:01 of the 7th clocks went back to 23:01 of the 6th: the 6th comes back for 59 minutes.
    assert [(p.end - p.start) for p in pieces] == [timedelta(hours=24), timedelta(minutes=59)]
    day = calendar("America/New_York").pieces_of(date(2026, 3, 8))
    assert sum(((p.end - p.start) for p in day), timedelta()) == timedelta(hours=23)


def test_damage_is_listed_and_the_good_around_it_counts(house: House) -> None:
    good = conversation("v1", [message("m1", at("2026-03-05 10:00"))])
    write_lines(
        house.landing,
        "messaging_interactions/a.jsonl.zst",
        [
            "",
            '{"info": {“conversationId”: "x"}}',
            json.dumps(good),
            "[]",
            json.dumps({"info": {"conversationId": "v2"}}),
            json.dumps({"info": {"brandId": "s1", "conversationId": "undefined"}}),
            '{"a": NaN}',
            "\r",
            json.dumps(conversation("v3", [{"sentBy": "Consumer"}, message("m2", at("2026-03-05 10:00"))])) + "\r",
        ],
    )
    write_page(house.landing, "messaging_interactions/b.json.gz", [good, "nonsense"])
    broken_sessions = conversation("v4", [message("m4", at("2026-03-05 10:00"))]) | {"coBrowseSessions": "none"}
    write_lines(house.landing, "messaging_interactions/e.jsonl", [broken_sessions | {"agentParticipants": {}}])
    (house.landing / "messaging_interactions/f.txt").write_text("a note")
    (house.landing / "messaging_interactions/c.json").write_text('{"conversationHistoryRecords": [{}')
    (house.landing / "messaging_interactions/d.jsonl.gz").write_bytes(b"not gzip")
    result = house.result()
    assert [row["consumer_messages"] for row in result.dar] == [3]
    assert [(row["file"].rsplit("/", 1)[-1], row["line"], row["reason"]) for row in result.rejected] == [
        ("f.txt", None, "unknown_file_type"),
        ("a.jsonl.zst", 2, "broken_json"),
        ("a.jsonl.zst", 4, "no_object"),
        ("a.jsonl.zst", 5, "missing_site_id"),
        ("a.jsonl.zst", 6, "missing_conversation_id"),
        ("a.jsonl.zst", 7, "broken_json"),
        ("a.jsonl.zst", 9, "missing_message_id"),
        ("b.json.gz", 2, "no_object"),
        ("c.json", None, "broken_json"),
        ("d.jsonl.gz", None, "broken_compression"),
        ("e.jsonl", 1, "no_object"),
    ]


def test_reference_rows_are_checked_one_by_one(house: House) -> None:
    contract = {"account_id": "A", "rate_plan_id": "starter", "functions_over_cap": "charge"}
    write_reference(
        house.landing,
        "9",
        sites=[
            site("s1", "A", "Asia/Calcutta"),
            site("s2", "A", "BST"),
            site("s3", "A", "+05:30"),
            site("s4", "nobody", "UTC"),
            site("s1", "A", "UTC"),
        ],
        contracts=[
            contract | {"contract_id": "c1", "starts_on": "2026-01-01", "ends_on": "2026-06-01"},
            contract | {"contract_id": "c2", "starts_on": "2026-05-31"},
            contract | {"contract_id": "c1", "starts_on": "2026-06-01"},
            contract | {"contract_id": "c3", "starts_on": "2026-06-01", "rate_plan_id": "gold"},
            contract | {"contract_id": "c4", "starts_on": "2026-06-01"},
        ],
    )
    result = house.result()
    assert [(row["file"], row["line"]) for row in result.rejected] == [
        ("reference/sites9.csv", 3),
        ("reference/sites9.csv", 4),
        ("reference/sites9.csv", 5),
        ("reference/sites9.csv", 6),
        ("reference/contracts9.csv", 3),
        ("reference/contracts9.csv", 4),
        ("reference/contracts9.csv", 5),
    ]


def test_pseudonyms_change_ids_and_nothing_else(house: House) -> None:
    house.deliver(
        conversation("v1", [message("m1", at("2026-03-05 10:00")), message("m2", at("2026-03-05 10:01"), "Agent")])
    )
    plain, hidden = house.result(), house.result(pseudonym_key=b"key")
    assert plain.dar[0]["relationship_id"] == "k1"
    assert len(hidden.dar[0]["relationship_id"]) == 64
    assert plain.lines == hidden.lines


def test_a_credit_is_a_negative_line_in_the_first_open_period_of_its_contract(house: House) -> None:
    house.invoke(invocation("i1", at("2026-03-05 10:00")))
    write_reference(
        house.landing,
        credits=[
            {
                "credit_id": "g1",
                "contract_id": "c1",
                "usage_period": "2026-02",
                "amount": "12.50",
                "currency_code": "USD",
                "reason": "goodwill",
                "approved_by": "cfo",
            }
        ],
    )
    result = house.result()
    assert [(row["document_type"], row["amount"]) for row in result.invoices] == [("credit_note", dollars("-12.50"))]
    line = next(row for row in result.lines if row["line_kind"] == "credit")
    assert (line["usage_period"], line["billing_period"], line["quantity"]) == (date(2026, 2, 1), MARCH, None)
    assert [(row["site_id"], row["amount"]) for row in result.line_sites if row["amount"] < 0] == [
        ("s1", dollars("-12.50"))
    ]


# --- closing -------------------------------------------------------------------------------------------------------


JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def closing_policy(*charges: Charge, **more) -> Policy:
    policy = Policy(charges=list(charges) or [starter("starter_dar_overage")], minor_units={"USD": 2}, **more)
    policy.plans["starter"] = Plan("starter", "USD", 10, "dar", "full")
    return policy


def closing_state(usage: dict[tuple[str, date], int], policy: Policy | None = None, **more) -> State:
    """Usage of contract c1 by (site, date)."""
    return State(
        policy or closing_policy(),
        more.pop("contracts", {"c1": CONTRACT}),
        {("c1", site_id, "dar", day): F(quantity) for (site_id, day), quantity in usage.items()},
        lambda contract, days: ["s1", "s2"],
        **more,
    )


def in_month(period: date, quantity: int, site_id: str = "s1", day: int = 5) -> dict[tuple[str, date], int]:
    return {(site_id, period.replace(day=day)): quantity}


def test_late_usage_is_an_adjustment_in_the_first_open_period() -> None:
    ledger = close(closing_state(in_month(JANUARY, 1999)), Ledger(JANUARY), JANUARY)
    state = closing_state(in_month(JANUARY, 1999) | in_month(JANUARY, 2, "s2") | in_month(FEBRUARY, 3))
    own, late = draft(state, ledger, FEBRUARY)
    assert (own.line_kind, own.quantity, own.amount) == ("charge", 3, 0)
    assert (late.line_kind, late.usage_period, late.billing_period) == ("adjustment", JANUARY, FEBRUARY)
    assert (late.quantity, late.amount, late.billed_before_quantity, late.billed_before_amount) == (2, 39, 1999, 0)
    assert late.sites == {"s1": (0, F("38.96")), "s2": (2, F("0.04"))}
    # Adjustments can be adjusted; nothing to do gives no line.
    ledger = close(state, ledger, FEBRUARY)
    assert [line.line_kind for line in draft(state, ledger, MARCH)] == ["charge"]
    fewer = closing_state(in_month(JANUARY, 1999) | in_month(FEBRUARY, 3))
    back = draft(fewer, ledger, MARCH)[1]
    assert (back.quantity, back.amount, back.billed_before_amount) == (-2, -39, 39)
    assert back.sites == {"s1": (0, F("-38.96")), "s2": (-2, F("-0.04"))}


def test_sealed_periods_keep_their_terms_unless_repriced() -> None:
    ledger = close(closing_state(in_month(JANUARY, 2001)), Ledger(JANUARY), JANUARY)
    dearer = replace(starter("starter_dar_overage"), price_per_block=F(50))
    usage = in_month(JANUARY, 2101)
    line = draft(closing_state(usage, closing_policy(dearer)), ledger, FEBRUARY)[1]
    assert line.amount == 39
    line = draft(closing_state(usage, closing_policy(dearer, repriced={JANUARY})), ledger, FEBRUARY)[1]
    assert line.amount == 61  # 2 x 50 - 39


def test_a_held_contract_is_billed_at_the_next_close() -> None:
    state = closing_state(in_month(JANUARY, 2001), held=frozenset({"c1"}))
    ledger = close(state, Ledger(JANUARY), JANUARY)
    assert ledger.seals[0].lines == () and ledger.seals[0].held == {"c1"}
    line = draft(replace(state, held=frozenset()), ledger, FEBRUARY)[1]
    assert (line.line_kind, line.amount, line.reasons) == ("adjustment", 39, ("held",))


def test_periods_close_in_order_and_once() -> None:
    state = closing_state({})
    with pytest.raises(ValueError, match="2026-01 is not closed"):
        close(state, Ledger(JANUARY), FEBRUARY)
    ledger = close(state, Ledger(JANUARY), JANUARY)
    assert close(state, ledger, JANUARY) is ledger


def test_a_credit_is_sealed_once() -> None:
    state = closing_state({}, credits=[Credit("g1", "c1", JANUARY, F(5), "USD")])
    ledger = close(state, Ledger(JANUARY), JANUARY)
    assert [line.amount for line in ledger.seals[0].lines] == [0, -5]
    assert [line.line_kind for line in draft(state, ledger, FEBRUARY)] == ["charge"]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([JANUARY, FEBRUARY, MARCH]),
        st.integers(1, 28),
        st.sampled_from(["s1", "s2"]),
        st.integers(1, 1500),
    ),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS, st.lists(st.integers(0, 10), min_size=3, max_size=3), st.sets(st.integers(0, 2)))
def test_all_seals_and_the_draft_bill_what_everything_at_once_costs(
    events: list[tuple[date, int, str, int]], arrivals: list[int], held: set[int]
) -> None:
    """Whatever arrives late, whoever is held: billed = cost of all usage, to the minor unit."""

    def seen(number: int, is_held: bool = False) -> State:
        usage: dict[tuple[str, date], int] = {}
        for period, day, site_id, quantity in events[:number]:
            key = (site_id, period.replace(day=day))
            usage[key] = usage.get(key, 0) + quantity
        return closing_state(usage, held=frozenset({"c1"} if is_held else ()))

    ledger = Ledger(JANUARY)
    for index, (period, number) in enumerate(zip((JANUARY, FEBRUARY, MARCH), sorted(arrivals), strict=True)):
        ledger = close(seen(number, index in held), ledger, period)
    final = seen(len(events))
    last = next_month(MARCH)
    at_once = total_billed(final, Ledger(JANUARY), last)
    in_steps = total_billed(final, ledger, last)
    # A held contract whose lines are all zero needs no adjustment later.
    assert {key: sums for key, sums in in_steps.items() if any(sums)} == {
        key: sums for key, sums in at_once.items() if any(sums)
    }
    for line in [line for seal in ledger.seals for line in seal.lines]:
        if line.sites:
            assert sum(amount for _, amount in line.sites.values()) == line.amount
