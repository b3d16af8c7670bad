"""The command line: one clear sentence, the right status, no stack trace for what a person can mend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import __main__ as command_line
from orchestration.lock import home_lock
from orchestration.settings import PROJECT_ROOT, LedgerError, Settings
from orchestration.terminal import plain, table


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return captured.err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run"], "PERIOD is 'empty'"),
        (["run", "--period", ""], "YYYY-MM"),
        (["run", "--period", "2026-13"], "2026-13"),
        (["run", "--period", "October"], "YYYY-MM"),
        (["close", "--period", "2026-1"], "YYYY-MM"),
    ],
)
def test_a_period_that_is_none_is_named(
    arguments: list[str], word: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main(arguments) == 1
    assert word in last_line(capsys)
    assert not home.exists()


@pytest.mark.parametrize("arguments", [[], ["rum"], ["run", "--perod", "2026-04"], ["ui", "--port", "x"]])
def test_an_unknown_command_says_where_the_known_ones_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command_line.main(arguments)
    assert stopped.value.code == 2
    assert "make help" in last_line(capsys)


@pytest.mark.parametrize(
    ("name", "value"), [("LEDGER_AS_OF", "2026-04-20"), ("LEDGER_MEMORY_LIMIT", "much"), ("LEDGER_AS_OF", "soon")]
)
def test_a_variable_that_is_unusable_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert command_line.main(["run", "--period", "2026-04"]) == 1
    assert name in last_line(capsys)


def test_a_held_home_is_said_at_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = "import sys; from orchestration.__main__ import main; sys.exit(main(['run', '--period', '2026-04']))"
    with home_lock(Settings.from_environment(), "make close"):
        answer = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT_ROOT, check=False
        )
    assert answer.returncode == 1
    assert f"process {os.getpid()}" in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr


def test_verify_of_a_new_home_proves_that_there_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["verify"]) == 0
    assert "HEAD none" in capsys.readouterr().out
    assert command_line.main(["verify", "--head", "ab" * 32]) == 1
    assert "not the chain you noted" in last_line(capsys)


def test_help_names_every_command_of_the_makefile(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["help"]) == 0
    shown = capsys.readouterr().out
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    targets = makefile.split(".PHONY: ", 1)[1].splitlines()[0].split()
    assert set(targets) - {"help"} == {word for word in targets if f"make {word}" in shown}


def test_an_interruption_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "run_command", interrupted)
    assert command_line.main(["verify"]) == 130
    assert "again" in last_line(capsys)


def test_a_sentence_of_several_lines_becomes_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(_: object) -> int:
        raise LedgerError("The first\nand the second.")

    monkeypatch.setattr(command_line, "run_command", failing)
    assert command_line.main(["verify"]) == 1
    assert last_line(capsys) == "The first and the second."


def test_a_table_is_aligned_and_holds_no_control_characters() -> None:
    text = table(["account", "amount"], [["A\x1b[31m\nB", 1200], ["long name", 7]])
    assert text.splitlines() == ["account    amount", "A [31m B    1,200", "long name       7"]
    assert plain(None) == ""
