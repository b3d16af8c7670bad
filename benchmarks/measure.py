"""How things are measured: each piece in a process of its own, in turn, with its seconds, processor time and memory.

What belongs here: starting a piece, watching its process tree, medians. What does not: what the pieces do (pieces).
These machines are shared: only what was measured in turn within one run is compared, and only as a ratio.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """What one run of a piece took. `seconds` is what the piece says of its own work, without Python's start."""

    seconds: float
    process_seconds: float  # from start to end of the process
    processor_seconds: float  # of the whole process tree
    peak_bytes: int  # the most memory that the process tree held at once
    answer: dict[str, Any] = field(default_factory=dict)

    def __add__(self, other: Cost) -> Cost:
        """One after the other."""
        return Cost(
            self.seconds + other.seconds,
            self.process_seconds + other.process_seconds,
            self.processor_seconds + other.processor_seconds,
            max(self.peak_bytes, other.peak_bytes),
            {**self.answer, **other.answer},
        )


def run_piece(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run `python -m benchmarks.pieces` with these arguments. SystemExit with its last words when it fails."""
    return run_process([sys.executable, "-m", "benchmarks.pieces", *arguments], environment)


def run_process(command: Sequence[str], environment: Mapping[str, str] | None = None, has_answer: bool = True) -> Cost:
    """Run a command to its end; its last line of output is a JSON object with `seconds`, where it has an answer."""
    started = time.perf_counter()
    process = subprocess.Popen(
        list(command),
        cwd=PROJECT,
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    peak = _Peak(process.pid)
    peak.start()
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read() if process.stderr else ""))
    reader.start()
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak.stop()
    reader.join()
    lines = output.strip().splitlines()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{(errors[0].strip() or output)[-3000:]}")
    answer = json.loads(lines[-1]) if has_answer else {}
    return Cost(
        seconds=answer.pop("seconds", seconds),
        process_seconds=seconds,
        processor_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=max(peak.bytes, usage.ru_maxrss * 1024),
        answer=answer,
    )


class _Peak(threading.Thread):
    """Watches the resident memory of a process and its descendants, pages that they share counted once a process."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.bytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_SECONDS):
            try:
                family = [self.process, *self.process.children(recursive=True)]
            except psutil.Error:
                return
            total = 0
            for member in family:
                try:
                    total += member.memory_info().rss
                except psutil.Error:
                    continue
            self.bytes = max(self.bytes, total)

    def stop(self) -> None:
        self.ended.set()
        self.join()


@dataclass(frozen=True)
class Median:
    """Several runs of one piece."""

    costs: tuple[Cost, ...]

    @property
    def seconds(self) -> float:
        """The median of what the pieces say of their own work."""
        return statistics.median(cost.seconds for cost in self.costs)

    @property
    def process_seconds(self) -> float:
        """The median from start to end of the process."""
        return statistics.median(cost.process_seconds for cost in self.costs)

    @property
    def processor_seconds(self) -> float:
        """The median of the processor's time."""
        return statistics.median(cost.processor_seconds for cost in self.costs)

    @property
    def peak_bytes(self) -> int:
        """The most memory of any run."""
        return max(cost.peak_bytes for cost in self.costs)

    @property
    def answer(self) -> dict[str, Any]:
        """What the last run answered."""
        return self.costs[-1].answer

    def figures(self) -> dict[str, Any]:
        """For bench.json."""
        return {
            "seconds": round(self.seconds, 3),
            "process_seconds": round(self.process_seconds, 3),
            "processor_seconds": round(self.processor_seconds, 3),
            "peak_bytes": self.peak_bytes,
            "all_seconds": [round(cost.seconds, 3) for cost in self.costs],
        }


def in_turn(
    pieces: Mapping[str, Callable[[], Cost]], repeat: int, say: Callable[[str], None] = lambda _: None
) -> dict[str, Median]:
    """Run all pieces one after the other, `repeat` times over."""
    costs: dict[str, list[Cost]] = {name: [] for name in pieces}
    for turn in range(repeat):
        for name, piece in pieces.items():
            os.sync()  # what one piece left to be written is not the next one's cost
            cost = piece()
            costs[name].append(cost)
            say(f"turn {turn + 1} of {repeat}: {name} {cost.seconds:.2f} s, {cost.peak_bytes / 2**20:,.0f} MiB")
    return {name: Median(tuple(own)) for name, own in costs.items()}
