"""build_ratio: all models from raw tables to marts, beside one `create table` over the same raw table.

The build is dbt's, seeds included and data tests left out, from its start to its end; the `create table` groups
raw.messages by (site, participant, conversation, UTC day) with counts per sender side and first and last instant.
build_fixed_ratio: the same dbt build with a conversation a day in the raw tables, over the same `create table`: what of
build_ratio is dbt's own and does not grow.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench import Bench
from benchmarks.measure import Cost, Median
from benchmarks.sections import Pieces, Section


def _pieces(bench: Bench) -> Pieces:
    loaded, tiny = bench.loaded, bench.tiny

    def hand() -> Cost:
        loaded.put_back("loaded")
        return loaded.piece("hand")

    return {
        "hand": hand,
        "build": lambda: loaded.built_from("loaded"),
        "build_fixed": lambda: tiny.built_from("loaded"),
    }


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    for build in ("build", "build_fixed"):
        bench.conclude(found, f"{build}_ratio", [build], ["hand"])


BUILD = Section(_pieces, _conclude)
