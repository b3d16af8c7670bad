"""Is the house in order? Every rule over the project as it stands; every exception with its reason and date."""

import csv
from collections.abc import Callable
from datetime import date

import pytest
from exceptions import EXEMPTIONS, is_exempt
from house_project import House, parents
from house_rules import RULES

from orchestration import picture
from orchestration.delivery import BEHIND_SEALS
from orchestration.settings import PROJECT_ROOT


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_is_in_order(rule: Callable[[House], list[str]], house: House) -> None:
    offences = [
        finding
        for finding in rule(house)
        if not any(is_exempt(rule.__name__, finding, exemption) for exemption in EXEMPTIONS)
    ]
    assert not offences, f"{rule.__name__}: {rule.__doc__}\n" + "\n".join(offences)


def test_the_readmes_picture_is_the_flow(house: House) -> None:
    readme = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    assert picture.replaced(readme, picture.draw(house.manifest)) == readme, "make docs draws it again"


def test_every_exception_is_needed_and_reasoned(house: House) -> None:
    findings = {(rule.__name__, finding) for rule in RULES for finding in rule(house)}
    for exemption in EXEMPTIONS:
        assert len(exemption.reason) > 15, f"{exemption.finding}: give a reason"
        assert date.fromisoformat(exemption.date)
        assert any(is_exempt(rule, finding, exemption) for rule, finding in findings), (
            f"nothing needs the exception of {exemption.finding} from {exemption.rule}: take it away"
        )


def test_the_manifest_is_the_whole_project(house: House) -> None:
    """A rule over nothing passes: there must be models, seeds, tests and unit tests to judge."""
    assert len(house.models) == len(list((house.root / "models").rglob("*.sql")))
    assert len(house.nodes("seed")) == len(list((house.root / "seeds" / "policy").glob("*.csv")))
    assert len(house.manifest["unit_tests"]) >= 100
    assert len(house.nodes("test")) >= 200


def test_a_close_tests_what_it_makes_anew(house: House) -> None:
    """The build after a close would not look there again: its tests look at what that build changes."""
    behind = [node["unique_id"] for node in house.models if node["path"].startswith("staging/sealed")]
    for name in behind:
        behind += [child for child in house.manifest["child_map"][name] if child not in behind]
    of_changes = {
        test["unique_id"]
        for test in house.nodes("test")
        for _, name in parents(test)
        if name.startswith("int_changed_") and name not in (test.get("attached_node") or "")
    }
    named = {test["unique_id"] for test in house.nodes("test") if "changed" in test["tags"]}
    assert of_changes and of_changes <= named <= set(behind)
    assert all("path:models/staging/sealed+" in part for part in BEHIND_SEALS)
    assert [part.split(",")[1] for part in BEHIND_SEALS] == ["resource_type:model", "tag:changed"]


STARTER = {
    "dar": ("package", "2000", "100", "100", "39.00", "up", "stated"),
    "listening": ("standard", "0", "1", "0.2", "0.078", "", "derived"),
    "cobrowse_session": ("standard", "0", "1", "1", "0.39", "", "derived"),
    "function_invocation": ("package", "150000", "250", "1", "0.39", "up", "derived"),
    "channel_credit": ("standard", "0", "1", "1", "0.00", "", "stated"),
}


def test_starter_is_the_price_table_of_the_contract(house: House) -> None:
    """SPEC P5, R7, R11, field by field. A change here is a change of the contract."""
    columns = ("charge_model", "included_quantity", "block_size", "credits_per_block", "price_per_block", "rounding")

    def rows(name: str) -> list[dict[str, str]]:
        with (house.root / "seeds" / "policy" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            return [row for row in csv.DictReader(stream) if row["rate_plan_id"] == "starter"]

    charges = rows("rate_plan_charges")
    assert {row["meter"]: (*(row[column] for column in columns), row["price_basis"]) for row in charges} == STARTER
    assert len(charges) == len(STARTER)
    for row in charges:
        assert (row["effective_from"], row["effective_to"]) == ("1990-01-01", "")
        assert (row["minimum_amount"], row["maximum_amount"]) == ("", "")
    channels = {"Web Messaging", "SMS", "Facebook Messenger", "Email Messaging"}
    assert {row["channel"] for row in rows("rate_plan_channels")} == channels
    (plan,) = rows("rate_plans")
    stated = ("currency_code", "platform_user_limit", "listening_grain", "stub_allowance")
    assert tuple(plan[column] for column in stated) == ("USD", "10", "dar", "full")
