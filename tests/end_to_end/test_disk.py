"""A full disk and an exports folder that cannot be written: a clear error, and then as if nothing had happened."""

from __future__ import annotations

from end_to_end.story_demo import Demo
from end_to_end.story_disk import Disk
from end_to_end.test_death import of_close


def test_a_full_disk_is_told_in_one_sentence(disk_story: Disk) -> None:
    assert [room for room, answer in disk_story.full if answer.status == 1], disk_story.full
    for room, answer in disk_story.full:
        if answer.status:
            assert answer.status == 1, f"{room} MB left: {answer}"
            assert "full" in answer.last_line, f"{room} MB left: {answer}"
            assert "make room and run" in answer.last_line.lower(), f"{room} MB left: {answer}"
            assert "Traceback" not in answer.last_line


def test_a_full_disk_leaves_nothing_half_done(disk_story: Disk) -> None:
    assert disk_story.after_full == []


def test_an_exports_folder_that_cannot_be_written_is_told(disk_story: Disk) -> None:
    assert disk_story.shut is not None
    assert disk_story.shut.status == 1, str(disk_story.shut)
    assert "exports" in disk_story.shut.last_line, str(disk_story.shut)
    assert "run" in disk_story.shut.last_line
    assert disk_story.shut_left == []


def test_the_same_command_then_ends_as_if_nothing_had_happened(disk_story: Disk, demo_story: Demo) -> None:
    assert disk_story.closed is not None and disk_story.verified is not None
    assert disk_story.closed.status == 0, str(disk_story.closed)
    assert disk_story.sealed == demo_story.sealed_closed
    assert of_close(disk_story.exports) == of_close(demo_story.exports_closed)
    assert disk_story.contents == demo_story.contents_closed
    assert disk_story.verified.status == 0
