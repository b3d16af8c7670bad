"""Drawings: compiled once, they are what the renderer draws of the whole specification with these figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair
import pytest
import vl_convert

from orchestration.report import charts

DAYS = [{"day": day, "dars": day * 7 % 13, "left": 40.5 - day * 3 if day < 25 else None} for day in range(1, 31)]
ROWS = [{"label": f"<b>&{place}", "value": place * 1.5, "used": place / 5, "projected": 0.9} for place in range(7)]


def seen(drawing: str) -> list[str]:
    """What a drawing shows: its marks and words, without the attributes that are for readers of screens."""
    return charts.TAG.sub(lambda tag: charts.ROLE.sub("", tag[0]), drawing).splitlines()


@pytest.mark.parametrize(
    ("template", "drawn", "figures"),
    [
        (charts._relationships, lambda figures: charts.relationships_by_day(figures, "May 2026"), DAYS),
        (charts._allowance, lambda figures: charts.allowance(figures, "May 2026"), DAYS),
        (charts._bars, charts.bars, ROWS),
        (charts._used, charts.used, ROWS),
    ],
)
def test_a_drawing_shows_its_own_figures(
    template: Callable[[], Any], drawn: Callable[[list[dict[str, Any]]], str], figures: list[dict[str, Any]]
) -> None:
    drawn(figures[:3])
    version = altair.SCHEMA_VERSION.rsplit(".", 1)[0]
    whole = {**charts._worded(template(), "May 2026"), "datasets": {charts.VALUES: figures}}
    assert seen(drawn(figures)) == seen(vl_convert.vegalite_to_svg(whole, vl_version=version))
    assert seen(drawn(figures)) != seen(drawn(figures[:3]))
