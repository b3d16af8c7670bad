"""`make demo`, again while others want the same home, the second close under a reader's eyes, a flipped byte."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from end_to_end.commands import Answer, Home, Lab, contents

CLOSED, DRAFTED = "2026-03", "2026-04"
LATER = {"LEDGER_AS_OF": "2026-05-20T12:00:00Z"}  # DRAFTED has ended and settled
READERS = 3
CLOSED_BY = "end to end"  # published with the period
SEALED_FILE = "sealed/2026-03/invoice_lines.parquet"
QUESTION = (
    "select (select count(*) || ' ' || coalesce(sum(amount), 0) from billing.fct_invoice_lines), "
    "(select string_agg(period || ' ' || state, ', ' order by period) from billing.fct_periods)"
)


@dataclass
class Demo:
    """What was seen, in the order in which it happened."""

    home: Home
    demo: Answer
    exports: dict[str, str]  # SHA-256 by path
    sealed: dict[str, str]
    published: Path  # a copy of the file that the first demo published
    first_exports: Path  # and of its exports: one month closed, one a draft
    contents: dict[str, str]  # of it
    again: Answer
    exports_again: dict[str, str]
    contents_again: dict[str, str]
    loser: Answer
    waiting_when_the_first_ended: bool
    closed: Answer
    exports_closed: dict[str, str]
    sealed_closed: dict[str, str]
    contents_closed: dict[str, str]
    readers: list[dict[str, Any]]
    verified: Answer
    flipped: dict[str, Answer] = field(default_factory=dict)
    exports_flipped: dict[str, str] = field(default_factory=dict)
    contents_flipped: dict[str, str] = field(default_factory=dict)
    mended: Answer | None = None


@dataclass
class Shared:
    """What other stories need of this one before it is over."""

    is_ready: threading.Event = field(default_factory=threading.Event)
    home: Home | None = None  # with landing and seals as the first demo left them


def play(lab: Lab, project: Path, shared: Shared) -> Demo:
    """The whole story."""
    try:
        home = lab.home("demo", project)
        demo = home.must("demo", is_plain=True)
        published = lab.folder / "first_demo.duckdb"
        published.write_bytes(home.published.read_bytes())
        first_exports = Path(shutil.copytree(home.folder / "exports", lab.folder / "first_exports"))
        exports, sealed = home.bytes_of("exports"), home.bytes_of("sealed")
        shared.home = lab.home("left_by_demo", project)
        for path in ("landing", "sealed"):
            subprocess.run(["cp", "-r", str(home.folder / path), str(_made(shared.home.folder) / path)], check=True)
    finally:
        shared.is_ready.set()

    again = home.start("demo")
    assert again.wait_until(lambda: "models " in again.messages), str(again.wait())
    loser = home.run("run", "--period", DRAFTED, **LATER)
    closing = home.start("close", "--period", DRAFTED, "--by", CLOSED_BY, LEDGER_LOCK_WAIT="600", **LATER)
    answer_again = again.wait()
    is_waiting = closing.status is None and not closing.messages
    exports_again, contents_again = home.bytes_of("exports"), contents(home.published)
    stop = lab.folder / "readers.stop"
    reports = [lab.folder / f"reader{number}.json" for number in range(READERS)]
    program = str(Path(__file__).with_name("reader.py"))
    readers = [
        subprocess.Popen([sys.executable, program, str(home.published), str(stop), str(report)]) for report in reports
    ]
    closed = closing.wait()
    stop.touch()
    for reader in readers:
        reader.wait(60)

    seen = Demo(
        home, demo, exports, sealed, published, first_exports, contents(published), answer_again, exports_again,
        contents_again, loser, is_waiting, closed, home.bytes_of("exports"), home.bytes_of("sealed"),
        contents(home.published), [json.loads(report.read_text()) for report in reports], home.run("verify"),
    )  # fmt: skip
    _flip(seen)
    return seen


def _flip(seen: Demo) -> None:
    """One bit of a seal is another, and then it is put back."""
    home = seen.home
    path = home.folder / SEALED_FILE
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    seen.flipped["verify"] = home.run("verify")
    seen.flipped["run"] = home.run("run", "--period", "2026-05", **LATER)
    seen.exports_flipped, seen.contents_flipped = home.bytes_of("exports"), contents(home.published)
    path.write_bytes(data)
    seen.mended = home.run("verify")


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
