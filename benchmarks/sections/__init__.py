"""What is compared with what: one section a file. Pieces of all sections asked for are measured in turn.

A section names its pieces, and concludes from their medians. Sections share pieces by name: the month's load and build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.measure import Cost, Median

Pieces = dict[str, Callable[[], Cost]]


@dataclass(frozen=True)
class Section:
    """`pieces` prepares and names what is measured; `conclude` notes the ratios."""

    pieces: Callable[[Bench], Pieces]
    conclude: Callable[[Bench, Mapping[str, Median]], None]
