"""The demo's landing folder and seal alone: runs and closes that die at a random moment, then a plain one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from trust import often

from end_to_end.commands import Answer, Command, Home, Lab, contents
from end_to_end.story_demo import CLOSED_BY, DRAFTED, LATER, Shared
from orchestration.sealing import verify_chain
from orchestration.settings import LedgerError, Settings

CLOSE = ("close", "--period", DRAFTED, "--by", CLOSED_BY)
DEATHS = often(1, 15)  # at each kind of moment
# Another machine: neither its zone nor its words may show in a figure.
ELSEWHERE = {"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "C"}


@dataclass
class Killed:
    """What the plain commands left after those that died."""

    home: Home
    deaths: list[tuple[str, int]] = field(default_factory=list)  # when, and the status
    after_death: list[str] = field(default_factory=list)  # what a reader could not read, and what a seal was half of
    run: Answer | None = None
    exports: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    closed: Answer | None = None
    exports_closed: dict[str, str] = field(default_factory=dict)
    sealed_closed: dict[str, str] = field(default_factory=dict)
    contents_closed: dict[str, str] = field(default_factory=dict)
    verified: Answer | None = None
    published_after: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by command: what readers saw
    heads: list[str] = field(default_factory=list)  # of the chain as it proved itself after each death
    left: list[str] = field(default_factory=list)  # temporary names that are still there


def play(lab: Lab, project: Path, as_of_run: str, shared: Shared) -> Killed:
    """The whole story; its moments depend on the clock, so that every time other ones are tried."""
    shared.is_ready.wait()
    if shared.home is None:
        raise RuntimeError("the demo has not run")
    dice = random.Random()
    home = Home(lab, shared.home.folder, project, ELSEWHERE)
    seen = Killed(home)
    at_run, at_close = {"LEDGER_AS_OF": as_of_run}, LATER
    for models in [dice.randrange(1, 90) for _ in range(DEATHS)]:
        _kill(seen, home.start("run", "--period", DRAFTED, **at_run), dice, f"after {models} models",
              lambda text, models=models: text.count("\nmodels ") >= models)  # fmt: skip
    for _ in range(DEATHS):
        _kill(seen, home.start("run", "--period", DRAFTED, **at_run), dice, "while publishing",
              lambda text: "gate_outgoing" in text, 2.0)  # fmt: skip
    seen.run = home.run("run", "--period", DRAFTED, **at_run)
    seen.exports, seen.contents = home.bytes_of("exports"), contents(home.published)
    for _ in range(DEATHS - 1):
        _kill(seen, home.start(*CLOSE, **at_close), dice, "anywhere in a close", lambda _: True, 40.0)
    for _ in range(DEATHS):
        _kill(seen, home.start(*CLOSE, **at_close), dice, "while sealing",
              lambda _: any((home.folder / "sealed").glob(".writing-*")), 0.3)  # fmt: skip
    for _ in range(DEATHS):
        _kill(seen, home.start(*CLOSE, **at_close), dice, "after sealing",
              lambda text: "is sealed" in text or "is closed" in text, 6.0)  # fmt: skip
    seen.closed = home.run(*CLOSE, **at_close)
    seen.exports_closed, seen.sealed_closed = home.bytes_of("exports"), home.bytes_of("sealed")
    seen.contents_closed = contents(home.published)
    seen.verified = home.run("verify")
    seen.left = [
        path.relative_to(home.folder).as_posix()
        for folder in ("exports", "sealed", "published", "tmp")
        for path in (home.folder / folder).rglob("*")
        if path.name.startswith(".") or ".tmp-" in path.name or folder == "tmp"
    ]
    return seen


def _kill(
    seen: Killed, command: Command, dice: random.Random, when: str, is_time: Callable[[str], bool], spread: float = 0.5
) -> None:
    """SIGKILL up to `spread` seconds after a moment; what stands then must be whole."""
    command.wait_until(lambda: is_time(command.messages))
    delay = dice.random() * spread
    time.sleep(delay)
    seen.deaths.append((f"{when} and {delay:.2f} s", command.kill().status))
    home = seen.home
    if home.published.exists():
        try:
            seen.published_after.setdefault(command.arguments[0], []).append(contents(home.published))
        except Exception as error:
            seen.after_death.append(f"{when}: {home.published.name} cannot be read ({error})")
    for folder in (home.folder / "sealed").glob("20*"):
        if not (folder / "seal.json").exists():
            seen.after_death.append(f"{when}: {folder.name} is half a seal")
    try:
        chain = verify_chain(Settings(home.folder, datetime.now(UTC)))
        seen.heads.append(chain.head_text.split()[0])
    except LedgerError as error:
        seen.after_death.append(f"{when}: {error}")
