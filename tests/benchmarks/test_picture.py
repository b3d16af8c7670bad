"""The figures that README and docs/scale.md show are those of docs/bench.json, and so is the picture."""

from __future__ import annotations

import copy
import json

import pytest

from benchmarks import picture, report

FIGURES, GROWTH = (
    json.loads(path.read_text(encoding="utf-8")) for path in (picture.FIGURES, picture.GROWTH_FIGURES)
)


def test_the_picture_is_drawn_from_the_figures_that_are_shown() -> None:
    drawn = picture.draw(FIGURES, GROWTH)
    assert drawn == picture.PICTURE.read_text(encoding="utf-8")
    for run, piece in ((FIGURES, "load"), (GROWTH, "build_sql_whole")):
        other = copy.deepcopy(run)
        other["pieces"][piece]["processor_seconds"] *= 3
        assert picture.draw(*(other if known is run else known for known in (FIGURES, GROWTH))) != drawn


@pytest.mark.parametrize("document", picture.DOCUMENTS, ids=lambda path: path.name)
def test_the_documents_show_these_figures(document: object) -> None:
    text = document.read_text(encoding="utf-8")
    is_short = document.name == "README.md"
    assert picture.with_figures(text, FIGURES, is_short) == text
    assert picture.with_figures(text, {**FIGURES, "load_ratio": 99.5}, is_short) != text


def test_a_document_without_a_place_for_figures_is_refused() -> None:
    with pytest.raises(ValueError, match="no block of figures"):
        picture.with_figures("# Title\n", FIGURES, is_short=True)


def test_the_run_shown_has_date_size_machine_and_every_ratio() -> None:
    shown = report.as_markdown(FIGURES)
    assert FIGURES["measured_on"] in shown and str(FIGURES["commit"]) in shown and "GiB" in shown
    for name in report.RATIOS:
        # These are asked for by name, or need Spark.
        if not name.startswith(("site_day", "growth_build", "growth_increment", "growth_publish", "spark")):
            assert f"| `{name}` |" in shown
    points = picture.points(FIGURES) + picture.points(GROWTH)
    assert {point["curve"] for point in points} == set(picture.CURVES)
    assert max(point["messages"] for point in points) == 100_000_000
    assert all(point["processor_seconds"] > 0 and point["peak_gib"] > 0 for point in points)
