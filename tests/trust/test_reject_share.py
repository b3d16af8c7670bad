"""`max_rejected_share` is asked of every feed by itself: a small feed that is broken is not hidden by a large one."""

from __future__ import annotations

from pathlib import Path

import pytest
from models.runner import Scratch
from oracle.build import one_site, write_lines

from trust.damages import call, talk
from trust.small import Small


@pytest.fixture
def small(scratch: Scratch, tmp_path: Path) -> Small:
    made = Small.at(scratch, tmp_path)
    one_site(made.settings.landing)
    write_lines(made.settings.landing, "function_invocations/many.jsonl", [call("many", n) for n in range(4000)])
    return made


@pytest.mark.parametrize(("broken", "is_stopped"), [(0, False), (9, False), (10, True), (30, True)])
@pytest.mark.parametrize("door", ["loaded", "outgoing"])
def test_a_broken_feed_stops_the_gate_by_its_own_share(small: Small, door: str, broken: int, is_stopped: bool) -> None:
    chats = [talk("few", n) for n in range(40 - broken)]
    write_lines(small.settings.landing, "messaging_interactions/few.jsonl", [*chats, *['{"broken'] * broken])
    small.load() if door == "loaded" else small.run()
    assert (small.figure(door, "few_records_are_rejected") > 0.01) == is_stopped


def test_all_feeds_together_still_have_a_share(small: Small) -> None:
    write_lines(small.settings.landing, "messaging_interactions/few.jsonl", ["{"] * 9)
    write_lines(small.settings.landing, "function_invocations/bad.jsonl", ["{"] * 9)
    write_lines(small.settings.landing, "function_invocations/many.jsonl", [call("many", n) for n in range(100)])
    small.load()
    assert small.figure("loaded", "few_records_are_rejected") > 0.01
