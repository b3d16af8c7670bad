"""docs/scale.svg from the figures of benchmark runs: `python -m benchmarks.picture docs/bench*.json`.

What belongs here: which measured points are drawn, and how. What does not: measuring. The same figures give the same
bytes; nothing is interpolated beyond the lines between measured points.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import PROJECT
from benchmarks.sections.growth import TIMES
from orchestration.report.charts import BLUE, FONT, GREY, INK, ORANGE

TARGET = PROJECT / "docs" / "scale.svg"
CURVES = {"load": BLUE, "build": ORANGE, "Polars program": GREY}
# Piece of bench.json -> curve, and which size it was measured at.
POINTS = {
    "load": ("load", "messages"),
    "load_tenth": ("load", "tenth"),
    "build": ("build", "messages"),
    "build_tenth": ("build", "tenth"),
    "build_fixed": ("build", "tiny"),
    "build_sql_tenth": ("build", "sql_tenth"),
    "build_sql_whole": ("build", "sql_whole"),
    "peer": ("Polars program", "messages"),
}
PANELS = (("processor_seconds", "Processor seconds"), ("peak_gib", "Peak memory of the process tree, GiB"))


def points(figures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The measured points of some runs, one row per curve, size and run."""
    rows = []
    for run in figures:
        sizes = {"messages": run["messages"], "tenth": run["messages"] // TIMES, "tiny": None}
        sizes |= {name: note["messages"] for name, note in run["notes"].items() if name.startswith("sql_")}
        for piece, (curve, size) in POINTS.items():
            if piece in run["pieces"] and sizes.get(size):
                cost = run["pieces"][piece]
                rows.append(
                    {
                        "curve": curve,
                        "messages": sizes[size],
                        "processor_seconds": cost["processor_seconds"],
                        "peak_gib": round(cost["peak_bytes"] / 2**30, 3),
                    }
                )
    return sorted(rows, key=lambda row: (row["curve"], row["messages"], row["processor_seconds"]))


def draw(figures: Sequence[dict[str, Any]]) -> str:
    """The SVG: two panels, time and memory by messages, both axes logarithmic."""
    import altair
    import vl_convert

    data = altair.Data(values=points(figures))
    colour = altair.Color("curve:N", title=None, scale=altair.Scale(domain=list(CURVES), range=list(CURVES.values())))
    panels = [
        altair.Chart(data, width=430, height=300, title=title)
        .mark_line(point={"size": 60, "filled": True}, strokeWidth=2)
        .encode(
            x=altair.X("messages:Q", title="messages", scale=altair.Scale(type="log"), axis=altair.Axis(format="~s")),
            y=altair.Y(f"{name}:Q", title=None, scale=altair.Scale(type="log"), axis=altair.Axis(format="~g")),
            color=colour,
        )
        for name, title in PANELS
    ]
    chart = (
        altair.hconcat(*panels)
        .configure(font=FONT, background="white", padding=12)
        .configure_axis(labelColor=INK, titleColor=INK, gridColor="#dfe4ea", labelFontSize=12, titleFontSize=12)
        .configure_title(color=INK, anchor="start", fontSize=13)
        .configure_legend(orient="top", labelFontSize=12)
    )
    version = altair.SCHEMA_VERSION.rsplit(".", 1)[0]
    return vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=version) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures of one or more bench.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("figures", type=Path, nargs="+", help="bench.json of one or more runs")
    parser.add_argument("--out", type=Path, default=TARGET)
    given = parser.parse_args(arguments)
    read = [json.loads(path.read_text(encoding="utf-8")) for path in given.figures]
    given.out.write_text(draw(read), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
