"""SPEC section 3, the worked examples and the edges of rating, through the whole chain from metered usage to lines.

Each contract is one example; all are rated at once. Every number here is worked out by hand from the SPEC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from models.runner import POLICY, Scratch

NOW = "2026-11-20 12:00:00+00"
TERM = {"price_basis": "negotiated", "effective_from": "2020-01-01"}


@dataclass(frozen=True)
class Example:
    """Usage of October 2026 under one plan, and the amounts of its lines, part by part."""

    name: str
    usage: Mapping[str, int]  # activity date -> quantity
    amounts: tuple[str, ...]
    meter: str = "dar"
    plan: str = "starter"
    charges: tuple[Mapping[str, Any], ...] = ()
    tiers: tuple[Mapping[str, Any], ...] = ()
    currency: str = "USD"
    stub_allowance: str = "full"
    starts_on: str = "2026-01-01"
    ends_on: str | None = None
    over_cap: str = "charge"
    credits: str | None = None
    blocks: str | None = None
    site_amounts: Mapping[str, str] = field(default_factory=dict)
    usage_of_second_site: Mapping[str, int] = field(default_factory=dict)


def starter(name: str, meter: str, quantity: int, amount: str, **more: Any) -> Example:
    return Example(name, {"2026-10-15": quantity}, (amount,), meter=meter, **more)


def charge(model: str, **terms: Any) -> dict[str, Any]:
    return TERM | {"charge_model": model, "meter": "dar"} | terms


def tiers(*rows: tuple[Any, Any, Any, Any]) -> tuple[dict[str, Any], ...]:
    names = ("tier_from", "tier_to", "unit_price", "flat_price")
    return tuple(dict(zip(names, row, strict=True)) | {"effective_from": "2020-01-01"} for row in rows)


LADDER = tiers((0, 100, "1", "0"), (100, 200, "0.5", "10"), (200, None, "0.25", "0"))
PACKAGE = {"included_quantity": 2000, "block_size": 100, "credits_per_block": 100, "rounding": "up"}
SWITCH = (
    charge("package", **PACKAGE, price_per_block="39", effective_to="2026-10-16"),
    charge("package", **PACKAGE, price_per_block="45") | {"effective_from": "2026-10-16"},
)

EXAMPLES = (
    starter("dar_0", "dar", 0, "0.00"),
    starter("dar_1999", "dar", 1999, "0.00", blocks="0"),
    starter("dar_2000", "dar", 2000, "0.00", blocks="0"),
    starter("dar_2001", "dar", 2001, "39.00", blocks="1", credits="100"),
    starter("dar_2100", "dar", 2100, "39.00", blocks="1", credits="100"),
    starter("dar_2101", "dar", 2101, "78.00", blocks="2", credits="200"),
    starter("functions_150000", "function_invocation", 150000, "0.00", credits="0"),
    starter("functions_150001", "function_invocation", 150001, "0.39", credits="1"),
    starter("functions_150250", "function_invocation", 150250, "0.39", credits="1"),
    starter("functions_150251", "function_invocation", 150251, "0.78", credits="2"),
    starter("listened_1234", "listening", 1234, "96.25", credits="246.8"),
    starter("listened_10_to_the_9", "listening", 10**9, "78000000.00", credits="200000000"),
    starter("cobrowse_3", "cobrowse_session", 3, "1.17", credits="3"),
    starter("channels_7", "channel_credit", 7, "0.00", credits="7"),
    # P2: the period's total is rated, not the days' or the sites' blocks: 2 x 1,001 DARs are one block
    Example(
        "rated_once",
        {"2026-10-01": 1001},
        ("39.00",),
        usage_of_second_site={"2026-10-31": 1001},
        blocks="1",
        # one cent each way: 39.00 over equal usage
        site_amounts={"rated_once:a": "19.50", "rated_once:b": "19.50"},
    ),
    # P6: 400 DARs at 39.00 and then 1,700 at 45.00: one block, at 45.00
    Example("switched", {"2026-10-15": 400, "2026-10-16": 1700}, ("0.00", "45.00"), plan="", charges=SWITCH),
    # P6: a block that the first part has begun is not charged again: 2,001 at 39.00, 99 more within it
    Example("within_a_block", {"2026-10-15": 2001, "2026-10-16": 99}, ("39.00", "0.00"), plan="", charges=SWITCH),
    # P9: suspended above the cap: shown, not charged
    starter("suspended", "function_invocation", 150251, "0.00", over_cap="suspended", credits="0", blocks="0"),
    # P4: 150 in blocks of 100 at 10
    *(
        Example(
            f"rounded_{rounding}",
            {"2026-10-15": 150},
            (amount,),
            plan="",
            charges=(charge("package", block_size=100, price_per_block="10", rounding=rounding),),
        )
        for rounding, amount in (("up", "20.00"), ("down", "10.00"), ("none", "15.00"))
    ),
    # P3: tiers of 100 at 1, of 100 at 0.5 with 10 on entering, the rest at 0.25
    *(
        Example(
            f"{model}_{quantity}", {"2026-10-15": quantity}, (amount,), plan="", charges=(charge(model),), tiers=LADDER
        )
        for model, quantity, amount in (
            ("graduated", 0, "0.00"),
            ("graduated", 100, "100.00"),
            ("graduated", 101, "110.50"),
            ("graduated", 200, "160.00"),
            ("graduated", 204, "161.00"),
            ("volume", 0, "0.00"),
            ("volume", 100, "100.00"),
            ("volume", 101, "60.50"),
            ("volume", 200, "110.00"),
            ("volume", 204, "51.00"),
        )
    ),
    # P3: tier 1 is entered at zero, so its flat price is due without use
    *(
        Example(
            f"{model}_entered_at_zero",
            {},
            ("7.00",),
            plan="",
            charges=(charge(model),),
            tiers=tiers((0, None, "1", "7")),
        )
        for model in ("graduated", "volume")
    ),
    Example("flat", {"2026-10-15": 9}, ("900.00",), plan="", charges=(charge("flat", price_per_block="900"),)),
    # P3: minimum, then maximum
    *(
        Example(
            f"bounded_{quantity}",
            {"2026-10-15": quantity},
            (amount,),
            plan="",
            charges=(charge("standard", price_per_block="1", minimum_amount="20", maximum_amount="50"),),
        )
        for quantity, amount in ((0, "20.00"), (19, "20.00"), (21, "21.00"), (50, "50.00"), (51, "50.00"))
    ),
    # P7: half away from zero, in the currency's minor unit
    *(
        Example(
            f"rounds_{currency}",
            {"2026-10-15": 1},
            (amount,),
            plan="",
            currency=currency,
            charges=(charge("standard", price_per_block=price),),
        )
        for currency, price, amount in (("USD", "0.125", "0.13"), ("JPY", "2.5", "3"), ("KWD", "0.0125", "0.013"))
    ),
    # P6: 22 to 31 October are 10 of 31 dates: 2,000 x 10 / 31 = 645.161290 included; 646 is one started block
    *(
        Example(
            f"stub_{allowance}",
            {"2026-10-25": 646},
            (amount,),
            plan="",
            starts_on="2026-10-22",
            stub_allowance=allowance,
            charges=(charge("package", **PACKAGE, price_per_block="39"),),
        )
        for allowance, amount in (("days", "39.00"), ("full", "0.00"))
    ),
    Example(
        "stub_flat",
        {},
        ("290.32",),
        plan="",
        starts_on="2026-01-01",
        ends_on="2026-10-11",
        stub_allowance="days",
        charges=(charge("flat", price_per_block="900", meter="subscription"),),
    ),
    # P1: largest remainder, ties by site id: 0.01 of two equal sites goes to the first
    Example(
        "a_cent_of_two",
        {"2026-10-01": 1},
        ("0.01",),
        plan="",
        charges=(charge("standard", price_per_block="0.005"),),
        usage_of_second_site={"2026-10-02": 1},
        site_amounts={"a_cent_of_two:a": "0.01", "a_cent_of_two:b": "0"},
    ),
    # P1: without usage equally, here the minimum
    Example(
        "unused_by_both",
        {},
        ("20.01",),
        plan="",
        charges=(charge("standard", price_per_block="1", minimum_amount="20.01"),),
        site_amounts={"unused_by_both:a": "10.01", "unused_by_both:b": "10.00"},
    ),
    # P1: usage in one of the pooled sites only
    Example(
        "one_of_two",
        {"2026-10-01": 2001},
        ("39.00",),
        site_amounts={"one_of_two:a": "39.00"},
    ),
)


@pytest.fixture(scope="module")
def rated() -> Iterator[Scratch]:
    scratch = Scratch()
    scratch.fill_policy(POLICY)
    for example in (example for example in EXAMPLES if not example.plan):
        scratch.add(
            "policy.rate_plans",
            [
                {
                    "rate_plan_id": example.name,
                    "currency_code": example.currency,
                    "listening_grain": "dar",
                    "stub_allowance": example.stub_allowance,
                }
            ],
        )
        names = {"rate_plan_id": example.name, "charge_id": f"{example.name}_charge"}
        scratch.add("policy.rate_plan_charges", [dict(row) | names for row in example.charges])
        charge_id = {"charge_id": names["charge_id"]}
        scratch.add("policy.rate_plan_tiers", [dict(row) | charge_id for row in example.tiers])
    scratch.fill("raw.run_settings", [{"as_of": NOW, "period": "2026-10-01", "tzdata_version": "none"}])
    scratch.fill(
        "raw.contracts",
        [
            {
                "content_id": 1,
                "record_index": number,
                "contract_id": example.name,
                "account_id": example.name,
                "rate_plan_id": example.plan or example.name,
                "starts_on": example.starts_on,
                "ends_on": example.ends_on,
                "functions_over_cap": example.over_cap,
            }
            for number, example in enumerate(EXAMPLES)
        ],
    )
    october = [f"2026-10-{day:02}" for day in range(1, 32)]
    sites = [(example, f"{example.name}:{letter}") for example in EXAMPLES for letter in "ab"]
    scratch.give(
        "int_site_day_contracts",
        [
            {
                "site_id": site_id,
                "site_date": date,
                "period": "2026-10-01",
                "account_id": example.name,
                "contract_id": example.name,
            }
            for example, site_id in sites
            for date in october
            if example.starts_on <= date < (example.ends_on or "9999-12-31")
        ],
    )
    anchor = {"2026-10-01": 1}  # usage that makes October the first billed period, whatever the examples use
    usage = [
        (example.name, example.meter, site_id, date, quantity)
        for example, site_id in sites
        for date, quantity in (example.usage if site_id.endswith(":a") else example.usage_of_second_site).items()
        if quantity
    ] + [("unused_by_both", "cobrowse_session", "unused_by_both:a", date, number) for date, number in anchor.items()]
    scratch.give(
        "int_metered_usage",
        [
            {
                "site_id": site_id,
                "contract_id": contract_id,
                "meter": meter,
                "activity_date": date,
                "period": "2026-10-01",
                "is_channel_mapped": True,
                "quantity": quantity,
            }
            for contract_id, meter, site_id, date, quantity in usage
        ],
    )
    scratch.give("int_platform_users", [])
    scratch.give("int_platform_user_days", [])
    scratch.give("int_usage_progress", [])
    scratch.run("int_charge_lines", "int_line_site_shares", "int_charge_line_tiers")
    yield scratch
    scratch.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_worked_example(rated: Scratch, example: Example) -> None:
    meter = example.charges[0]["meter"] if example.charges else example.meter
    lines = rated.rows(
        "select * from intermediate.int_charge_lines where contract_id = ? and meter = ? order by part_number",
        [example.name, meter],
    )
    assert tuple(line["amount"] for line in lines) == tuple(map(Decimal, example.amounts))
    if meter == "dar" and example.charges and example.charges[0]["charge_model"] != "flat":
        assert sum(line["quantity"] for line in lines) == sum(example.usage.values()) + sum(
            example.usage_of_second_site.values()
        )
    for column, expected in (("blocks", example.blocks), ("credits", example.credits)):
        if expected is not None:
            assert sum(line[column] for line in lines) == Decimal(expected)
    if example.site_amounts:
        shares = rated.rows(
            "select site_id, amount from intermediate.int_line_site_shares where invoice_line_id = ?",
            [lines[0]["invoice_line_id"]],
        )
        assert {row["site_id"]: row["amount"] for row in shares} == {
            site_id: Decimal(amount) for site_id, amount in example.site_amounts.items()
        }


def test_tier_lines_come_to_their_lines(rated: Scratch) -> None:
    """SPEC section 7: one row per tier entered, volume the one that b falls in; unrounded, the flat price in it."""
    found = rated.rows(
        "select tier_from, quantity, amount from intermediate.int_charge_line_tiers "
        "where invoice_line_id = 'graduated_204:2026-10:graduated_204_charge:01' order by tier_from"
    )
    assert [tuple(row.values()) for row in found] == [
        (Decimal(0), Decimal(100), Decimal(100)),
        (Decimal(100), Decimal(100), Decimal(60)),
        (Decimal(200), Decimal(4), Decimal(1)),
    ]
    found = rated.rows(
        "select tier_from, quantity, amount from intermediate.int_charge_line_tiers "
        "where invoice_line_id = 'volume_204:2026-10:volume_204_charge:01'"
    )
    assert [tuple(row.values()) for row in found] == [(Decimal(200), Decimal(204), Decimal(51))]


def test_a_line_exists_for_every_charge_without_usage(rated: Scratch) -> None:
    """SPEC P3: at quantity 0 too."""
    found = rated.rows(
        "select meter, quantity, amount from intermediate.int_charge_lines where contract_id = 'dar_0' order by meter"
    )
    meters = ("channel_credit", "cobrowse_session", "dar", "function_invocation", "listening")
    assert [tuple(row.values()) for row in found] == [(meter, Decimal(0), Decimal(0)) for meter in meters]
