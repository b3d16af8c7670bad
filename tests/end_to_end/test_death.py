"""SIGKILL at random moments: a plain command afterwards ends as if nobody had died, elsewhere and from nothing."""

from __future__ import annotations

import json

from end_to_end.story_demo import CLOSED, DRAFTED, Demo
from end_to_end.story_killed import Killed

MANIFEST = f"exports/{CLOSED}/manifest.json"


def of_close(paths: dict[str, str]) -> dict[str, str]:
    """Without the closed month's manifest, which also says of which run it is."""
    return {path: sha256 for path, sha256 in paths.items() if path != MANIFEST}


def test_commands_died_as_they_were_meant_to(killed_story: Killed) -> None:
    statuses = [status for _, status in killed_story.deaths]
    # One that was over before its moment says 0.
    assert len(statuses) >= 4
    assert statuses.count(-9) >= 2, killed_story.deaths


def test_the_published_file_and_seals_are_whole_whenever_a_command_dies(killed_story: Killed) -> None:
    assert killed_story.after_death == [], killed_story.deaths


def test_readers_see_the_old_or_the_new_whenever_a_command_dies(killed_story: Killed) -> None:
    run, close = killed_story.contents, killed_story.contents_closed
    assert all(found == run for found in killed_story.published_after.get("run", [])), killed_story.deaths
    found = killed_story.published_after["close"]
    assert all(one in (run, close) for one in found), killed_story.deaths
    # Once closed, closed for ever.
    assert set(killed_story.heads) <= {CLOSED, DRAFTED}
    assert killed_story.heads == sorted(killed_story.heads)


def test_a_run_after_dead_runs_without_a_warehouse_gives_the_same_bytes(
    killed_story: Killed, demo_story: Demo
) -> None:
    assert killed_story.run is not None
    assert killed_story.run.status == 0, f"{killed_story.run}\n{killed_story.deaths}"
    assert of_close(killed_story.exports) == of_close(demo_story.exports), killed_story.deaths
    assert killed_story.contents == demo_story.contents, killed_story.deaths


def test_a_close_after_dead_closes_gives_the_same_bytes(killed_story: Killed, demo_story: Demo) -> None:
    assert killed_story.closed is not None
    assert killed_story.closed.status == 0, f"{killed_story.closed}\n{killed_story.deaths}"
    assert killed_story.sealed_closed == demo_story.sealed_closed, killed_story.deaths
    assert of_close(killed_story.exports_closed) == of_close(demo_story.exports_closed), killed_story.deaths
    assert killed_story.contents_closed == demo_story.contents_closed, killed_story.deaths


def test_final_exports_made_again_from_the_seal_say_the_same(killed_story: Killed, demo_story: Demo) -> None:
    here, there = (json.loads((home.folder / MANIFEST).read_text()) for home in (killed_story.home, demo_story.home))
    for name in ("period", "status", "draft_digest", "files", "sums"):
        assert here[name] == there[name], name


def test_nothing_is_left_that_needs_a_person(killed_story: Killed) -> None:
    assert killed_story.verified is not None
    assert killed_story.verified.status == 0, str(killed_story.verified)
    assert killed_story.left == []
