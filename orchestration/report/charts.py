"""Drawings: Altair's words, rendered to SVG when the page is made, so that it needs no script and prints sharp.

A specification is built and compiled once a process and drawn with other figures each time. Text is measured with the
renderer's own copy of Liberation Sans: the same figures give the same bytes on every machine. Marks carry no role or
name of their own: to who cannot see it, a drawing is one picture with a sentence, and a table beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from markupsafe import Markup

FONT = "Liberation Sans"
BLUE, ORANGE, GREY, INK = "#1f5fa8", "#b8500c", "#5b6570", "#1c2733"
WIDTH = 380  # drawn so wide; a page scales it between a phone's width and 560 px
VALUES = "figures"
TAG = re.compile(r"<[^<>]*>")
ROLE = re.compile(r' (role|aria-[a-z]+)="[^"]*"')

Figures = Sequence[dict[str, Any]]


def relationships_by_day(figures: Figures, month: str) -> Markup:
    """DARs of each day (`day`, `dars`) as bars."""
    return _draw(_relationships, figures, month)


def allowance(figures: Figures, month: str) -> Markup:
    """DARs of each day above, what is left of the allowance after it below (`day`, `dars`, `left`: null if to come)."""
    return _draw(_allowance, figures, month)


def bars(figures: Figures) -> Markup:
    """One horizontal bar a row (`value`) under its words (`label`, figures included), in the order given."""
    return _draw(_bars, figures)


def used(figures: Figures) -> Markup:
    """The share of an allowance that is used (`used`), and a mark for the projection (`projected`); 1 is all of it."""
    return _draw(_used, figures)


def _draw(template: Callable[[], dict[str, Any]], figures: Figures, word: str = "") -> Markup:
    """The SVG of a specification with these figures; `word` stands where its titles say `@`."""
    import vl_convert

    compiled = _compiled(template, word)
    data = [{**each, "values": list(figures)} if each["name"] == VALUES else each for each in compiled["data"]]
    svg = TAG.sub(lambda tag: ROLE.sub("", tag[0]), vl_convert.vega_to_svg({**compiled, "data": data}))
    return Markup(svg)  # noqa: S704 (the renderer escapes its texts)


@cache
def _compiled(template: Callable[[], dict[str, Any]], word: str) -> dict[str, Any]:
    """A specification in Vega's own words, which name the figures but do not depend on them."""
    import altair
    import vl_convert

    specification = {**_worded(template(), word), "datasets": {VALUES: []}}
    return vl_convert.vegalite_to_vega(specification, vl_version=altair.SCHEMA_VERSION.rsplit(".", 1)[0])


def _worded(value: Any, word: str) -> Any:
    """The same specification with `@` in its texts replaced."""
    if isinstance(value, dict):
        return {key: _worded(each, word) for key, each in value.items()}
    if isinstance(value, list):
        return [_worded(each, word) for each in value]
    return value.replace("@", word) if isinstance(value, str) and not value.startswith("http") else value


def _finished(chart: Any) -> dict[str, Any]:
    """A chart's specification in the house's looks."""
    return (
        chart.configure(
            font=FONT, background="transparent", aria=False, padding={"left": 6, "right": 14, "top": 6, "bottom": 4}
        )
        .configure_axis(
            labelFontSize=13, titleFontSize=13, labelColor=INK, titleColor=INK, titleFontWeight="normal",
            titlePadding=10, gridColor="#dfe4ea", domainColor=GREY, tickColor=GREY,
        )
        .configure_view(stroke=None)
        .configure_legend(labelFontSize=13, labelColor=INK, orient="top", title=None, symbolType="square")
        .to_dict()
    )  # fmt: skip


def _days(altair: Any, title: str | None) -> Any:
    """The axis of a month's days."""
    axis = altair.Axis(values=[1, 5, 10, 15, 20, 25, 30], labelAngle=0, title=title, grid=False)
    return altair.X("day:O", axis=axis, sort=None)


def _whole(altair: Any, title: str) -> Any:
    return altair.Axis(title=title, tickCount=5, format=",d", tickMinStep=1)


@cache
def _relationships() -> dict[str, Any]:
    import altair

    return _finished(
        altair.Chart(altair.NamedData(VALUES))
        .mark_bar(color=BLUE)
        .encode(x=_days(altair, "Day of @"), y=altair.Y("dars:Q", axis=_whole(altair, "DARs a day")))
        .properties(width=WIDTH, height=200)
    )


@cache
def _allowance() -> dict[str, Any]:
    import altair

    base = altair.Chart(altair.NamedData(VALUES))
    bars = (
        base.mark_bar(color=BLUE)
        .encode(x=_days(altair, None), y=altair.Y("dars:Q", axis=_whole(altair, "DARs a day")))
        .properties(width=WIDTH, height=130)
    )
    remaining = base.mark_bar().encode(
        x=_days(altair, "Day of @"),
        y=altair.Y("left:Q", axis=_whole(altair, "Allowance left")),
        color=altair.condition("datum.left < 0", altair.value(ORANGE), altair.value(GREY)),
    )
    zero = base.mark_rule(color=INK, strokeWidth=1.5).encode(y=altair.datum(0))
    below = altair.layer(remaining, zero).properties(width=WIDTH, height=150)
    return _finished(altair.vconcat(bars, below, spacing=14).resolve_scale(x="shared"))


def _rows(altair: Any, step: int) -> tuple[Any, Any]:
    """Rows in the order given, and their words above the bar: however wide a letter is, nothing is cut on the left."""
    base = altair.Chart(altair.NamedData(VALUES), height=altair.Step(step)).encode(
        y=altair.Y("label:N", sort=None, axis=None)
    )
    words = base.mark_text(align="left", baseline="middle", dy=-12, fontSize=13, color=INK, limit=WIDTH * 0.87).encode(
        text="label:N", x=altair.value(0)
    )
    return base, words


@cache
def _bars() -> dict[str, Any]:
    import altair

    base, words = _rows(altair, 40)
    bar = base.mark_bar(color=BLUE, height=12, yOffset=6).encode(x=altair.X("value:Q", axis=None))
    return _finished(altair.layer(bar, words).properties(width=WIDTH))


@cache
def _used() -> dict[str, Any]:
    import altair

    base, words = _rows(altair, 42)
    axis = altair.Axis(title="Share of the allowance", format=".0%", tickCount=4)
    used_bar = base.mark_bar(color=BLUE, height=12, yOffset=6).encode(x=altair.X("used:Q", axis=axis))
    projected = base.mark_tick(color=ORANGE, thickness=3, size=18, yOffset=6, opacity=1).encode(x="projected:Q")
    limit = base.mark_tick(color=INK, thickness=1.5, size=20, yOffset=6, opacity=1).encode(x=altair.datum(1))
    return _finished(altair.layer(used_bar, projected, limit, words).properties(width=WIDTH))
