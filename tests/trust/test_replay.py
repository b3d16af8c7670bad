"""Fix and replay: what is mended comes in at the next run, once; and whatever the order of arrival, one result."""

from __future__ import annotations

import csv
import itertools
import random
import shutil
from pathlib import Path

import pytest
from models.runner import Scratch
from oracle.build import conversation, message, one_site, site, user, write_json, write_lines, write_page

from orchestration.settings import PROJECT_ROOT
from trust import often
from trust.damages import AT, call, talk
from trust.small import Small

CHATS, CALLS = "messaging_interactions", "function_invocations"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "seeds" / "policy"
    shutil.copytree(PROJECT_ROOT / "seeds" / "policy", folder)
    return folder


@pytest.fixture
def small(scratch: Scratch, tmp_path: Path, policy: Path) -> Small:
    made = Small.at(scratch, tmp_path / "home", policy)
    one_site(made.settings.landing)
    return made


def usage(small: Small) -> dict[str, int]:
    """Quantity by meter."""
    return {
        meter: int(quantity)
        for meter, quantity in small.rows("select meter, sum(quantity) from usage.fct_daily_usage group by 1")
    }


def test_a_corrected_file_replaces_the_damaged_one(small: Small) -> None:
    good = [talk("day", n) for n in range(4)]
    damaged = ['{"cut', good[1], good[2], good[3] | {"messageRecords": "x"}]
    for name, write in (("a.jsonl", write_lines), ("b.jsonl.gz", write_lines)):
        write(small.settings.landing, f"{CHATS}/{name}", damaged)
    write_page(small.settings.landing, f"{CHATS}/page.json", [talk("page", 1), {"info": {}}])
    small.run()
    assert usage(small)["dar"] == 3
    assert len(small.rejected()) == 5
    for name in ("a.jsonl", "b.jsonl.gz"):
        write_lines(small.settings.landing, f"{CHATS}/{name}", good)
    write_page(small.settings.landing, f"{CHATS}/page.json", [talk("page", 1), talk("page", 2)])
    for _ in range(2):
        small.run()
        assert usage(small) == {"dar": 6, "channel_credit": 6, "listening": 6, "cobrowse_session": 6}
        assert small.rejected() == []
        assert small.imbalances() == []
        assert small.oracle_differences() == []


def test_a_new_site_row_brings_its_records_in_once(small: Small) -> None:
    landing = small.settings.landing
    elsewhere = talk("new") | {"info": talk("new")["info"] | {"brandId": "s2"}}
    write_lines(landing, f"{CHATS}/new.jsonl", [elsewhere])
    write_lines(landing, f"{CALLS}/new.jsonl", [call("new", accountId="s2", count=3)])
    write_json(landing, "platform_users/new.json", {"accountId": "s2", "snapshotTimeL": AT, "users": [user("u")]})
    small.run()
    assert {reason for _, _, reason, _ in small.rejected()} == {"unknown_site"}
    assert len(small.rejected()) == 5
    assert usage(small) == {}
    sites = [site("s1", "A", "UTC"), site("s2", "A", "Asia/Kathmandu")]
    with (landing / "reference" / "sites_2.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(sites[0]))
        writer.writeheader()
        writer.writerows(sites)
    for _ in range(2):
        small.run()
        assert usage(small) == {
            "dar": 1, "channel_credit": 1, "listening": 1, "cobrowse_session": 1, "function_invocation": 3,
        }  # fmt: skip
        assert small.rejected() == []
        assert small.rows(
            "select provisioned_users from usage.fct_platform_users where period = date '2026-03-01'"
        ) == [(1,)]
        assert small.oracle_differences() == []
    assert small.imbalances() == []


def test_a_mapped_channel_brings_its_credit_in_once(small: Small, policy: Path) -> None:
    odd = talk("odd") | {"info": talk("odd")["info"] | {"source": "PIGEON"}}
    write_lines(small.settings.landing, f"{CHATS}/odd.jsonl", [odd])
    small.run()
    unrated = "select meter, reason, quantity::integer from billing.fct_unrated_usage"
    assert small.rows(unrated) == [("channel_credit", "unmapped_channel", 1)]
    with (policy / "channels.csv").open("a", encoding="utf-8") as stream:
        stream.write("PIGEON,SMS,false\n")
    for _ in range(2):
        small.run()
        assert small.rows(unrated) == []
        assert small.rows("select channel, credits::integer from usage.fct_channel_credits") == [("SMS", 1)]
        assert small.imbalances() == []
        assert small.oracle_differences() == []


def test_a_trigger_that_counts_from_now_on_brings_its_invocations_in_once(small: Small, policy: Path) -> None:
    write_lines(small.settings.landing, f"{CALLS}/t.jsonl", [call("t", n, trigger="MANUAL_TEST") for n in range(3)])
    small.run()
    assert "function_invocation" not in usage(small)
    rules = policy / "trigger_rules.csv"
    rules.write_text(rules.read_text().replace("MANUAL_TEST,false", "MANUAL_TEST,true"))
    small.run()
    assert usage(small)["function_invocation"] == 3
    assert small.imbalances() == []


# --- the order of arrival ---------------------------------------------------------------------------------------------


def _copies(name: str) -> dict[str, list]:
    """Copies of two conversations and an invocation that contradict each other, by file."""
    at = AT

    def copy(who: str, source: str, moments: list[int], side: str = "Consumer") -> dict:
        messages = [message(f"m{n}", at + moment, side, who) for n, moment in enumerate(moments)]
        return conversation(name, messages, source=source, consumers=("k1", "k2"))

    day = 86_400_000
    return {
        f"{CHATS}/a.jsonl": [copy("k1", "SHARK", [0, 10, 20])],
        f"{CHATS}/b.jsonl": [copy("k2", "SMS", [0, 10, day])],
        f"{CHATS}/c.jsonl": [copy("k1", "SMS", [5, 10])],
        f"{CHATS}/d.jsonl": [copy("k2", "SHARK", [5, 10, 20], "Agent"), copy("k1", "SHARK", [7])],
        f"{CALLS}/e.jsonl": [call("x", count=5), call("x", functionUuid="g")],
        f"{CALLS}/f.jsonl": [call("x", count=2), call("x", trigger="MANUAL_TEST")],
    }


def test_conflicts_have_one_winner_whatever_the_order_of_arrival(small: Small) -> None:
    files = _copies("v")
    orders = list(itertools.permutations(files))
    dice = random.Random(1)
    seen = set()
    for order in dice.sample(orders, often(6, 200)):
        for path in (*small.settings.landing.glob("messaging*/*"), *small.settings.landing.glob("function*/*")):
            path.unlink()
        small.load()
        at_once = dice.randrange(1, 4)
        for place, name in enumerate(order):
            write_lines(small.settings.landing, name, files[name])
            if place % at_once == 0:
                small.load()
        small.run()
        assert small.oracle_differences() == []
        assert small.imbalances() == []
        seen.add(str(small.contents(("usage", "billing", "quality"))))
    assert len(seen) == 1
    # The copy in b has the later last message; of the invocation the last path wins.
    assert small.rows("select key, copies, winner_file from quality.fct_conflicts order by all") == [
        ("s1/v/m0", 5, f"{CHATS}/b.jsonl"), ("s1/v/m1", 4, f"{CHATS}/b.jsonl"), ("s1/v/m2", 3, f"{CHATS}/b.jsonl"),
        ("s1/x-1", 4, f"{CALLS}/f.jsonl"),
    ]  # fmt: skip
