"""The charts of the pages: figures of the books, drawn, said in one sentence and listed."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from orchestration.report import charts, words
from orchestration.report.pages import NUMBER, TEXT, Chart, Table

LONGEST = 20  # bars of one drawing; a table holds the rest


def by_day(period: date, dars: Mapping[date, Decimal]) -> list[tuple[date, Decimal]]:
    """Every day of the month with its DARs, none included."""
    days = monthrange(period.year, period.month)[1]
    return [(each, Decimal(dars.get(each, 0))) for each in (period.replace(day=number + 1) for number in range(days))]


def burn_down(
    period: date, dars: Mapping[date, Decimal], included: Decimal | None, until: date | None = None
) -> Chart:
    """DARs of each day and, where DARs are included, how much of the allowance is left after it.

    `until`: the last day that is known of; what is left after a later one is not drawn.
    """
    days = by_day(period, dars)
    total = sum((count for _, count in days), Decimal(0))
    name = words.month_name(period)
    busiest = max(days, key=lambda pair: pair[1])
    said = (
        f"{words.quantity(total)} DARs in {name}; the busiest day is {words.day(busiest[0])} "
        f"with {words.quantity(busiest[1])}."
    )
    if not included:
        return Chart(
            "DARs by day", said,
            charts.relationships_by_day([{"day": each.day, "dars": int(count)} for each, count in days], name),
            Table("DARs by day", [("Date", TEXT), ("DARs", NUMBER)], [
                [words.day(each), words.quantity(count)] for each, count in days
            ]),
        )  # fmt: skip
    figures, rows, left, over = [], [], included, None
    for each, count in days:
        left -= count
        if left < 0 and over is None:
            over = each
        is_known = until is None or each <= until
        figures.append({"day": each.day, "dars": int(count), "left": float(left) if is_known else None})
        rows.append([words.day(each), words.quantity(count), words.quantity(left) if is_known else ""])
    said += (
        f" The allowance of {words.quantity(included)} was used up on {words.day(over)}; "
        f"{words.quantity(-left)} more were used."
        if over
        else f" Of the allowance of {words.quantity(included)}, {words.quantity(left)} are left."
    )
    return Chart(
        "DARs by day and the allowance left", said, charts.allowance(figures, name),
        Table("DARs by day", [("Date", TEXT), ("DARs", NUMBER), ("Allowance left", NUMBER)], rows),
    )  # fmt: skip


def composition(counts: Mapping[str, int]) -> Chart:
    """DARs by who took part: all seven kinds, which add up to the total (SPEC R5)."""
    total = sum(counts.values())
    rows = [(name, counts.get(code, 0)) for code, name in words.COMPOSITIONS.items()]
    most, count = max(rows, key=lambda row: row[1])
    columns = [("Who took part", TEXT), ("DARs", NUMBER), ("Share", NUMBER)]
    shares = [words.percent(Decimal(number) / total) if total else "" for _, number in rows]
    return Chart(
        "DARs by who took part",
        f"{words.quantity(total)} DARs; most often: {most.lower()} ({words.quantity(count)}).",
        charts.bars([{"label": f"{name}: {words.quantity(number)}", "value": number} for name, number in rows]),
        Table(
            "DARs by who took part",
            columns,
            [[name, words.quantity(number), share] for (name, number), share in zip(rows, shares, strict=True)],
            [["All", words.quantity(total), ""]],
        ),
    )


def amounts(title: str, currency: str, rows: Sequence[tuple[str, Decimal]], units: Mapping[str, int]) -> Chart:
    """Amounts of one currency by name, the largest first; never two currencies on one scale."""
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    shown = ordered[:LONGEST]
    total = sum((value for _, value in rows), Decimal(0))
    said = f"{words.amount(total, currency, units)} in {_count(len(rows), 'account')}."
    if len(rows) > LONGEST:
        said += f" The {LONGEST} largest are drawn."
    return Chart(
        title, said,
        charts.bars([
            {"label": f"{name}: {words.amount(value, currency, units)}", "value": float(value)} for name, value in shown
        ]),
        Table(title, [("Account", TEXT), ("Amount", NUMBER)], [
            [name, words.amount(value, currency, units)] for name, value in shown
        ]),
    )  # fmt: skip


def allowances(rows: Sequence[tuple[str, Decimal, Decimal]]) -> Chart:
    """Allowances by contract and meter: the share used, and projected to the end of the month; the fullest first."""
    shown = sorted(rows, key=lambda row: (-row[2], -row[1], row[0]))[:LONGEST]
    said = (
        "Bar: used; coloured mark: projected to the month's end; black mark: all of the allowance. "
        f"{_count(len(rows), 'allowance')}, {sum(1 for row in rows if row[2] > 1)} projected above all of it."
    )
    if len(rows) > LONGEST:
        said += f" The {LONGEST} fullest are drawn."
    return Chart(
        "Allowances used, and projected to the month's end", said,
        charts.used([
            {
                "label": f"{name}: {words.percent(used)} → {words.percent(projected)}",
                "used": float(used), "projected": float(projected),
            }
            for name, used, projected in shown
        ]),
        Table(
            "Allowances used and projected",
            [("Contract and meter", TEXT), ("Used", NUMBER), ("Projected", NUMBER)],
            [[name, words.percent(used), words.percent(projected)] for name, used, projected in shown],
        ),
    )  # fmt: skip


def _count(number: int, noun: str) -> str:
    return f"{words.quantity(number)} {noun}{'' if number == 1 else 's'}"
