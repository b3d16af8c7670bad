"""SIGKILL at random moments: a plain command afterwards ends as if nobody had died, elsewhere and from nothing."""

from __future__ import annotations

from end_to_end.story_demo import CLOSED, Demo
from end_to_end.story_killed import Killed


def of_close(paths: dict[str, str]) -> dict[str, str]:
    """Without what the closed month's folder says of the run that wrote it, and without that run's own alerts."""
    own = (f"exports/{CLOSED}/manifest.json", f"exports/{CLOSED}/alerts.csv")
    return {path: sha256 for path, sha256 in paths.items() if path not in own}


def test_commands_died_as_they_were_meant_to(killed_story: Killed) -> None:
    statuses = [status for _, status in killed_story.deaths]
    # One that was over before its moment says 0.
    assert len(statuses) >= 4
    assert statuses.count(-9) >= 2, killed_story.deaths


def test_the_published_file_and_seals_are_whole_whenever_a_command_dies(killed_story: Killed) -> None:
    assert killed_story.after_death == [], killed_story.deaths


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


def test_nothing_is_left_that_needs_a_person(killed_story: Killed) -> None:
    assert killed_story.verified is not None
    assert killed_story.verified.status == 0, str(killed_story.verified)
    assert killed_story.left == []
