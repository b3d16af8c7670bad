"""The demo's landing files as files: the same bytes everywhere, and safe to write."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

import demo
from demo.exports import LATE_FILE
from orchestration.settings import LedgerError

PROJECT = Path(__file__).resolve().parents[2]
# SHA-256 of the manifest after write_landing and write_late. Changes only in a commit that says why.
GOLDEN = "70b17dafa59bb9dbbd8df7ff9e5b243860fa80390fccdcdbbb6775ae86c30ca4"


def _content(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_bytes_on_every_machine(demo_landing: Path, tmp_path: Path) -> None:
    other = tmp_path / "landing"
    environment = os.environ | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "PYTHONTZPATH": "", "LC_ALL": "C"}
    for step in ([], ["--late"]):
        command = [sys.executable, "-m", "demo", "--landing", str(other), *step]
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    assert {path: sha256 for path, (sha256, _) in _content(other).items()} == {
        path: sha256 for path, (sha256, _) in _content(demo_landing).items()
    }
    assert hashlib.sha256((demo_landing / ".demo_manifest.json").read_bytes()).hexdigest() == GOLDEN


def test_a_second_call_touches_nothing(demo_landing: Path) -> None:
    before = _content(demo_landing)
    files = demo.write_landing(demo_landing)
    assert _content(demo_landing) == before
    assert demo.write_late(demo_landing) == [demo_landing / LATE_FILE]
    assert _content(demo_landing) == before
    assert demo_landing / LATE_FILE not in files
    assert len(files) + 1 == len(before) - 1  # the manifest is nobody's input


def test_what_is_missing_comes_back_and_nothing_else_moves(demo_landing: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(demo_landing, tmp_path / "landing")
    before = _content(copy)
    (copy / "reference/sites.csv").unlink()
    demo.write_landing(copy)
    after = _content(copy)
    assert {path for path in before if before[path] != after[path]} == {"reference/sites.csv"}
    assert before["reference/sites.csv"][0] == after["reference/sites.csv"][0]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("messaging_interactions/mine.jsonl", demo.write_landing),
        ("notes.txt", demo.write_late),
        ("new/.hidden", demo.write_late),
    ],
)
def test_a_folder_with_a_file_of_somebody_else_is_refused(tmp_path: Path, name: str, write: Callable) -> None:
    foreign = tmp_path / name
    foreign.parent.mkdir(parents=True, exist_ok=True)
    foreign.write_text("{}\n")
    with pytest.raises(LedgerError, match=foreign.name):
        write(tmp_path)
    assert list(_content(tmp_path)) == [name]


def test_a_file_that_was_edited_is_not_overwritten(demo_landing: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(demo_landing, tmp_path / "landing")
    edited = copy / "reference/accounts.csv"
    edited.write_text(edited.read_text(encoding="utf-8") + "mine,Mine,USD\n", encoding="utf-8")
    with pytest.raises(LedgerError, match="was changed since"):
        demo.write_landing(copy)
    assert edited.read_text(encoding="utf-8").endswith("mine,Mine,USD\n")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = tmp_path / "landing"
    folder.mkdir()
    (folder / "reference").symlink_to(outside)
    with pytest.raises(LedgerError, match="reference"):
        demo.write_landing(folder)
    assert not list(outside.iterdir())


def test_the_command_refuses_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    command = [sys.executable, "-m", "demo", "--landing", str(tmp_path)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "mine.txt" in result.stderr


def test_a_file_is_delivered_twice(demo_landing: Path) -> None:
    names = defaultdict(list)
    for path, (sha256, _) in _content(demo_landing / "messaging_interactions").items():
        names[sha256].append(path)
    assert [len(paths) for paths in names.values() if len(paths) > 1] == [2]
