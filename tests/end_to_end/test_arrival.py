"""Another order of arrival: the same facts and lines."""

from __future__ import annotations

from datetime import date, datetime

from oracle import compute
from oracle.compare import differences

import demo
from end_to_end.commands import contents
from end_to_end.story_arrival import Arrival
from end_to_end.story_demo import DRAFTED, Demo


def test_events_without_reference_files_are_not_published(arrival_story: Arrival) -> None:
    assert arrival_story.half.status == 1
    assert "there_are_sites" in arrival_story.half.messages
    assert not arrival_story.is_published_by_half


def test_facts_are_the_same_whatever_came_first(arrival_story: Arrival, demo_story: Demo) -> None:
    assert arrival_story.whole.status == 0, str(arrival_story.whole)
    there, here = (
        # When something came is what differs: the seal that was the first to know it.
        {
            table: rows
            for table, rows in contents(home, "usage.", without="first_sealed_in").items()
            if table != "usage.fct_function_invocation_arrivals"
        }
        for home in (arrival_story.home.published, demo_story.published)
    )
    assert there == here
    assert len(here) == 7


def test_lines_are_those_of_one_reading_of_all_files(arrival_story: Arrival) -> None:
    home = arrival_story.home
    result = compute(
        home.landing, home.policy, datetime.fromisoformat(demo.AS_OF_RUN), date.fromisoformat(f"{DRAFTED}-01")
    )
    found = differences(home.published, result)
    assert not found, "\n".join(found)
