"""Metamorphic: the same records doubled, shuffled, split, merged or in batches over runs give the same marts."""

from __future__ import annotations

import itertools
import random
import shutil
from pathlib import Path

import pytest
from models.runner import Scratch

from trust import often
from trust.small import Small
from trust.variants import WAYS, Records, as_it_came, put, split, write_accounts

SEEDS = range(1, 1 + often(1, 60))


def ledger(scratch: Scratch, home: Path) -> Small:
    shutil.rmtree(home, ignore_errors=True)
    small = Small.at(scratch, home)
    write_accounts(small.settings.landing)
    return small


@pytest.fixture(scope="module", params=SEEDS)
def plain(request: pytest.FixtureRequest, scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What the records give as they came: the same as the oracle's, and something of everything."""
    small = ledger(scratch, tmp_path_factory.mktemp("plain"))
    put(small.settings.landing, as_it_came(Records(request.param)))
    small.run()
    assert small.oracle_differences() == []
    assert small.imbalances() == []
    assert small.rows("select count(*) from quality.fct_conflicts") == [(0,)]
    assert small.rows("select count(*) > 40 from usage.fct_daily_active_relationships") == [(True,)]
    assert small.rows("select count(distinct meter) from usage.fct_daily_usage") == [(5,)]
    assert small.rows("select count(*) > 10 from support.fct_support_promises") == [(True,)]
    return {"seed": request.param, "contents": small.contents()}


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_delivery_changes_nothing(way: str, plain: dict, scratch: Scratch, tmp_path: Path) -> None:
    small = ledger(scratch, tmp_path / "home")
    put(small.settings.landing, WAYS[way](Records(plain["seed"])))
    small.run()
    assert small.contents() == plain["contents"]
    assert small.imbalances() == []


def test_random_batches_over_several_runs_change_nothing(plain: dict, scratch: Scratch, tmp_path: Path) -> None:
    small = ledger(scratch, tmp_path / "home")
    dice = random.Random(plain["seed"])
    files = list((as_it_came(Records(plain["seed"])) | split(Records(plain["seed"]))).items())
    dice.shuffle(files)
    cuts = [0, *sorted(dice.sample(range(1, len(files)), 3)), len(files)]
    for place, (begin, end) in enumerate(itertools.pairwise(cuts)):
        put(small.settings.landing, dict(files[begin:end]))
        small.load()
        if place % 2:
            small.build()
    small.run()
    assert small.contents() == plain["contents"]
    assert small.imbalances() == []


def test_a_difference_would_show(plain: dict, scratch: Scratch, tmp_path: Path) -> None:
    small = ledger(scratch, tmp_path / "home")
    records = Records(plain["seed"])
    records.calls.pop()
    records.chats.pop()
    records.cases.pop()
    put(small.settings.landing, as_it_came(records))
    small.run()
    differing = {name for name, content in small.contents().items() if content != plain["contents"][name]}
    assert {"fct_daily_usage", "fct_function_invocations", "fct_invoice_lines", "fct_support_promises"} <= differing
