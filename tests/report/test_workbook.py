"""The workbook: real types, totals that can be followed, nothing that a spreadsheet would run or lose."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sample_books import sample_books

from orchestration.report.workbook import is_exact, write_workbook

NAMES = ["Summary", "Invoices", "Lines", "Usage by day", "Adjustments", "Reconciliation"]


def written(folder: Path, changes: str = "", **options: Any) -> Path:
    with sample_books(changes=changes) as books:
        (file,) = write_workbook(books, folder, **options)
    assert [path.name for path in folder.iterdir()] == [file.name] == ["workbook.draft.xlsx"]
    return folder / file.name


def opened(path: Path) -> tuple[Workbook, Workbook]:
    """The formulas and the stored values."""
    return load_workbook(path), load_workbook(path, data_only=True)


def column(sheet: Any, name: str) -> list[Any]:
    heads = [cell.value for cell in sheet[1]]
    return [row[heads.index(name)].value for row in sheet.iter_rows(min_row=2)]


def totals(values: Any) -> dict[str, dict[str, Any]]:
    """The first sheet's amounts by currency and heading."""
    rows = [[cell.value for cell in row] for row in values["Summary"].iter_rows()]
    start = next(number for number, row in enumerate(rows) if row[0] == "Currency")
    found = {}
    for row in rows[start + 1 :]:
        if not row[0]:
            break
        found[row[0]] = dict(zip(rows[start], row, strict=True))
    return found


def test_cells_have_real_types_and_sheets_are_ready_to_use(tmp_path: Path) -> None:
    book, _ = opened(written(tmp_path))
    assert book.sheetnames == NAMES
    lines = book["Lines"]
    assert lines.freeze_panes == "B2"
    assert lines.auto_filter.ref == "A1:AB7"
    assert lines.column_dimensions["A"].width > 15
    assert {type(value) for value in column(lines, "usage from")} == {datetime}
    assert all(isinstance(value, int | float) for value in column(lines, "amount"))
    amount = next(cell.column for cell in lines[1] if cell.value == "amount")
    assert {row[amount - 1].number_format for row in lines.iter_rows(min_row=2)} == {"#,##0.00", "#,##0"}


def test_totals_are_formulas_that_carry_their_value(tmp_path: Path) -> None:
    formulas, values = opened(written(tmp_path))
    usd, jpy, eur = (totals(values)[code] for code in ("USD", "JPY", "EUR"))
    assert (usd["Usage"], usd["Adjustment"], usd["Billed"], usd["Sum of documents"]) == (81.12, 6.36, 87.48, 87.48)
    assert (jpy["Credit"], jpy["Billed"]) == (-1500, -1500)
    assert (eur["Billed"], eur["Held"], eur["Sum of documents"], eur["Documents"]) == (0, 12.5, 12.5, 2)
    for row in totals(formulas).values():
        for name, formula in row.items():
            if name != "Currency":
                assert re.match(r"=(ROUND\(SUMIFS|COUNTIFS)\(", str(formula)), (name, formula)


def evaluated(formula: str, values: Any) -> float:
    """What a spreadsheet makes of our formulas: SUMIFS and COUNTIFS with equal and unequal, added up and rounded."""

    def cells(text: str) -> list[Any]:
        sheet, span = text.split("!")
        return [row[0].value for row in values[sheet.strip("'")][span.replace("$", "")]]

    total = 0.0
    for function, inside in re.findall(r"(SUMIFS|COUNTIFS)\(([^()]*(?:\(\d+\)[^()]*)*)\)", formula):
        ranges, conditions = re.findall(r"'[^']+'![$A-Z0-9:]+", inside), re.findall(r'"([^"]*)"', inside)
        if function == "SUMIFS":
            summed, *ranges = [cells(each) for each in ranges]
        else:
            ranges = [cells(each) for each in ranges]
            summed = [1] * len(ranges[0])
        assert len(ranges) == len(conditions)
        for place, value in enumerate(summed):
            is_meant = all(
                (column[place] != text[2:]) if text.startswith("<>") else (column[place] == text)
                for column, text in zip(ranges, conditions, strict=True)
            )
            total += value if is_meant and isinstance(value, int | float) else 0
    return round(total, int(rounded[1])) if (rounded := re.search(r",(\d+)\)$", formula)) else total


@pytest.mark.parametrize("rows_of_a_sheet", [1_048_576, 4])
def test_a_formula_gives_the_value_that_it_carries(tmp_path: Path, rows_of_a_sheet: int) -> None:
    formulas, values = opened(written(tmp_path, rows_of_a_sheet=rows_of_a_sheet))
    found = 0
    for row in formulas["Summary"].iter_rows():
        for cell in row:
            if cell.data_type == "f":
                assert evaluated(cell.value, values) == values["Summary"][cell.coordinate].value, cell.value
                found += 1
    assert found == 3 * 8 + 2


def test_no_text_is_a_formula(tmp_path: Path) -> None:
    book, _ = opened(written(tmp_path))
    assert "=DAR overage" in column(book["Lines"], "description")
    kinds = {cell.data_type for name in NAMES[1:] for row in book[name].iter_rows() for cell in row}
    assert "f" not in kinds


def test_a_decimal_that_excel_would_change_stands_as_exact_text(tmp_path: Path) -> None:
    assert is_exact(Decimal("99999999999.9999"))
    assert not is_exact(Decimal("999999999999.9999"))
    long = "update books.invoice_lines set amount = 12345678901234.5678 where invoice_line_id = 'acme-2026:listening'"
    formulas, values = opened(written(tmp_path, long))
    assert "12345678901234.5678" in column(values["Lines"], "amount")
    billed = totals(formulas)["USD"]["Billed"]
    assert billed == "12345678901318.9278"  # the exact sum: no formula over a column with texts
    assert totals(values)["USD"]["Sum of documents"] == 87.48
    rows = [[cell.value for cell in row] for row in values["Summary"].iter_rows()]
    assert next(row for row in rows if row[0] == "Lines")[3] == 1


def test_a_table_longer_than_a_sheet_goes_on_in_the_next(tmp_path: Path) -> None:
    formulas, values = opened(written(tmp_path, rows_of_a_sheet=4))
    assert [name for name in values.sheetnames if name.startswith("Lines")] == ["Lines", "Lines (2)"]
    both = column(values["Lines"], "amount") + column(values["Lines (2)"], "amount")
    assert len(both) == 6
    assert "'Lines (2)'!" in totals(formulas)["EUR"]["Held"]
    assert totals(values)["USD"]["Billed"] == 87.48


@pytest.mark.parametrize("status", ["draft", "final"])
def test_the_same_books_give_the_same_bytes(tmp_path: Path, status: str) -> None:
    contents = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with sample_books(status) as books:
            write_workbook(books, folder)
        contents.append([path.read_bytes() for path in folder.iterdir()])
    assert contents[0] == contents[1]


def test_a_draft_workbook_says_so(tmp_path: Path) -> None:
    book, _ = opened(written(tmp_path))
    assert book["Summary"]["A1"].value == "DRAFT – Billing of April 2026"
    assert book.properties.title.startswith("DRAFT")
