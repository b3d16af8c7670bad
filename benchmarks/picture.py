"""docs/scale.svg and the tables in README.md and docs/scale.md: `python -m benchmarks.picture` from docs/bench.json.

The picture has the points of docs/bench-growth.json too, a run with `--growth` alone.

What belongs here: which measured points are drawn, and how. What does not: measuring. The same figures give the same
bytes; nothing is interpolated beyond the lines between measured points.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench import TINY
from benchmarks.measure import PROJECT
from benchmarks.report import as_markdown
from benchmarks.sections.growth import TIMES
from orchestration.report.charts import BLUE, FONT, GREY, INK, ORANGE

FIGURES, PICTURE = PROJECT / "docs" / "bench.json", PROJECT / "docs" / "scale.svg"
GROWTH_FIGURES = PROJECT / "docs" / "bench-growth.json"
DOCUMENTS = (PROJECT / "README.md", PROJECT / "docs" / "scale.md")
BLOCK = re.compile(r"(<!-- figures: .*?-->\n).*?(<!-- end of figures -->)", re.DOTALL)
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
    "peer_tenth": ("Polars program", "tenth"),
}
PANELS = (("processor_seconds", "Processor seconds"), ("peak_gib", "Peak memory of the process tree, GiB"))


def with_figures(text: str, figures: dict[str, Any], is_short: bool) -> str:
    """A document with its block of figures renewed. ValueError if it has none."""
    if not BLOCK.search(text):
        raise ValueError("the document has no block of figures")
    return BLOCK.sub(lambda found: f"{found[1]}{as_markdown(figures, is_short)}\n{found[2]}", text)


def points(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The measured points of a run, one row per curve and size."""
    sizes = {"messages": figures["messages"], "tenth": figures["messages"] // TIMES, "tiny": TINY}
    sizes |= {name: note["messages"] for name, note in figures["notes"].items() if name.startswith("sql_")}
    rows = [
        {
            "curve": curve,
            "messages": sizes[size],
            "processor_seconds": cost["processor_seconds"],
            "peak_gib": round(cost["peak_bytes"] / 2**30, 3),
        }
        for piece, (curve, size) in POINTS.items()
        if (cost := figures["pieces"].get(piece))
    ]
    return sorted(rows, key=lambda row: (row["curve"], row["messages"], row["processor_seconds"]))


def draw(*runs: dict[str, Any]) -> str:
    """The SVG of one or more runs: two panels, time and memory by messages, both axes logarithmic."""
    import altair
    import vl_convert

    data = altair.Data(values=[point for figures in runs for point in points(figures)])
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
    """Draw the figures of a run, and write them into the documents that show them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.picture", description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, help="a bench.json that becomes docs/bench.json")
    parser.add_argument("--growth-from", type=Path, help="one that becomes docs/bench-growth.json")
    given = parser.parse_args(arguments)
    for source, kept in ((given.source, FIGURES), (given.growth_from, GROWTH_FIGURES)):
        if source:
            shutil.copyfile(source, kept)
    figures, growth = (json.loads(path.read_text(encoding="utf-8")) for path in (FIGURES, GROWTH_FIGURES))
    PICTURE.write_text(draw(figures, growth), encoding="utf-8")
    for document in DOCUMENTS:
        old = document.read_text(encoding="utf-8")
        document.write_text(with_figures(old, figures, document.name == "README.md"), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
