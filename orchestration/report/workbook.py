"""workbook.xlsx: a month for people with a spreadsheet. Real numbers and dates, and totals that can be followed.

Totals are formulas that carry the value they give. No text is taken for a formula. Excel keeps 15 digits: a decimal
that needs more stands as exact text, which the first sheet counts; then no formula adds that column up. A table longer
than a sheet goes on in a second one, and the totals add both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from orchestration.books import Books
from orchestration.report import words
from orchestration.report.origin import origin
from orchestration.tables import FileOfTable
from orchestration.versions import file_sha256

ROWS_OF_A_SHEET = 1_048_576  # Excel's own limit, the header included
DIGITS = 15
ROWS_AT_ONCE = 10_000
WIDEST = 48
SHEETS = (
    ("Invoices", "select * from books.invoices order by account_id, contract_id"),
    ("Lines", "select * from books.invoice_lines order by account_id, contract_id, invoice_line_id"),
    (
        "Usage by day",
        """
        select
            contracts.account_id, usage.contract_id, usage.site_id, usage.meter, usage.activity_date,
            sum(usage.quantity)::decimal(18, 6) as quantity
        from books.daily_usage as usage
        left join (select distinct contract_id, account_id from books.contracts) as contracts using (contract_id)
        group by all order by all""",
    ),
    (
        "Adjustments",
        """
        select
            account_id, contract_id, usage_period, line_kind, charge_id, meter, description, billed_before_quantity,
            quantity, billed_before_amount, amount, currency_code, reasons, status, invoice_line_id
        from books.invoice_lines where line_kind in ('adjustment', 'credit')
        order by account_id, contract_id, usage_period, invoice_line_id""",
    ),
    ("Reconciliation", "select * from books.reconciliation order by check_name"),
)
# By currency, never over currencies: the heading, what the lines' status and kind must be.
KINDS = ("charge", "subscription", "adjustment", "credit")


@dataclass
class Sheet:
    """A written table: on which sheets its rows stand, under which columns, and which hold exact text."""

    name: str
    columns: list[str]
    parts: list[tuple[str, int]] = field(default_factory=list)  # the sheet's name and its last row, counted from 1
    rows: int = 0
    exact_texts: dict[str, int] = field(default_factory=dict)  # column -> cells

    def ranges(self, column: str) -> list[str]:
        """A column's cells on each of its sheets, as a formula names them."""
        letter = xl_col_to_name(self.columns.index(column))
        return [f"'{name}'!${letter}$2:${letter}${max(last, 2)}" for name, last in self.parts]

    def summed(self, column: str, **conditions: str) -> str:
        """A formula's sum of a column where other columns say so; a value of `<>x` is Excel's for all but x."""
        pairs = [(self.ranges(name), _quoted(value)) for name, value in conditions.items()]
        return "+".join(
            "SUMIFS(" + ",".join([cells, *(f'{where[place]},"{value}"' for where, value in pairs)]) + ")"
            for place, cells in enumerate(self.ranges(column))
        )

    def counted(self, **conditions: str) -> str:
        """A formula's count of the rows where columns say so."""
        pairs = [(self.ranges(name), _quoted(value)) for name, value in conditions.items()]
        return "+".join(
            "COUNTIFS(" + ",".join(f'{where[place]},"{value}"' for where, value in pairs) + ")"
            for place in range(len(self.parts))
        )


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def write_workbook(books: Books, folder: Path, rows_of_a_sheet: int = ROWS_OF_A_SHEET) -> list[FileOfTable]:
    """Write the workbook of a period; `rows_of_a_sheet` is Excel's limit."""
    name = books.file_name("workbook", "xlsx")
    path = folder / name
    options = {
        "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False, "remove_timezone": False,
        "constant_memory": True, "tmpdir": str(folder),
    }  # fmt: skip
    with xlsxwriter.Workbook(str(path), options) as workbook:
        month = words.month_name(books.period)
        draft = "DRAFT – " if books.status == "draft" else ""
        # The file's only instant is the month's own, so that the same books give the same bytes.
        created = datetime.combine(books.period, time())
        workbook.set_properties({"title": f"{draft}Billing of {month}", "author": "DAR Ledger", "created": created})
        workbook.set_size(2400, 1400)
        writer = Writer(workbook, books, rows_of_a_sheet)
        writer.write(f"{draft}Billing of {month}")
    return [FileOfTable(name, None, path.stat().st_size, file_sha256(path))]


class Writer:
    """One workbook being written: the summary first, as the first sheet; its values are known before its formulas."""

    def __init__(self, workbook: xlsxwriter.Workbook, books: Books, rows_of_a_sheet: int) -> None:
        self.workbook, self.books, self.limit = workbook, books, rows_of_a_sheet
        self.connection = books.connection
        self.units = dict(
            self.connection.execute("select currency_code, minor_units from books.currencies").fetchall()
        )
        self.formats = {
            name: workbook.add_format(properties)
            for name, properties in {
                "title": {"bold": True, "font_size": 16},
                "draft": {"bold": True, "font_color": "#A3201B", "font_size": 14},
                "head": {"bold": True, "bottom": 2, "bg_color": "#F3F6F9", "text_wrap": True, "valign": "top"},
                "head_right": {
                    "bold": True, "bottom": 2, "bg_color": "#F3F6F9", "text_wrap": True, "valign": "top",
                    "align": "right",
                },
                "section": {"bold": True, "font_size": 12},
                "date": {"num_format": "yyyy-mm-dd", "align": "left"},
                "instant": {"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"},
                "quantity": {"num_format": "#,##0.######"},
                "whole": {"num_format": "#,##0"},
                "exact": {"align": "right", "num_format": "@"},
                "right": {"align": "right"},
            }.items()
        }  # fmt: skip

    def write(self, title: str) -> None:
        """All sheets. The summary's place is kept first, and written last: its formulas need the others' extent."""
        summary = self.workbook.add_worksheet("Summary")
        sheets = {name: self._table(name, query) for name, query in SHEETS}
        self._summary(summary, title, sheets)

    def amount_format(self, currency: str | None) -> Any:
        """A number with as many decimals as its currency has."""
        units = self.units.get(currency or "", 4)
        name = f"amount{units}"
        if name not in self.formats:
            decimals = "." + "0" * units if units else ""
            self.formats[name] = self.workbook.add_format({"num_format": f"#,##0{decimals}"})
        return self.formats[name]

    def _table(self, name: str, query: str) -> Sheet:
        """A query's rows on as many sheets as they need: the header frozen, filters on, columns as wide as needed."""
        described = self.connection.execute(f"describe {query}").fetchall()
        sheet = Sheet(name, [row[0] for row in described])
        widths = self._widths(query, described)
        rows = self._rows(query)
        row = next(rows, None)
        while row is not None or not sheet.parts:
            number = len(sheet.parts) + 1
            title = name if number == 1 else f"{name} ({number})"
            page = self.workbook.add_worksheet(title)
            self._prepare(page, described, widths)
            place = 0
            while row is not None and place < self.limit - 1:
                place += 1
                self._write_row(page, place, sheet, row)
                row = next(rows, None)
            page.autofilter(0, 0, max(place, 1), len(sheet.columns) - 1)
            sheet.parts.append((title, place + 1))
            sheet.rows += place
        return sheet

    def _rows(self, query: str) -> Iterator[tuple]:
        cursor: duckdb.DuckDBPyConnection = self.connection.cursor()
        cursor.execute("use books")
        cursor.execute("set TimeZone = 'UTC'")
        result = cursor.execute(query)
        while rows := result.fetchmany(ROWS_AT_ONCE):
            yield from rows
        cursor.close()

    def _widths(self, query: str, described: Sequence[tuple]) -> list[int]:
        """Characters that each column needs, its header included."""
        longest = ", ".join(f'max(length("{row[0]}"::varchar))' for row in described)
        found = self.connection.execute(f"select {longest} from ({query})").fetchall()[0]
        return [
            min(max(int(width or 0), len(row[0]) if len(row[0]) < 12 else 12) + 3, WIDEST)
            for width, row in zip(found, described, strict=True)
        ]

    def _prepare(self, page: Any, described: Sequence[tuple], widths: Sequence[int]) -> None:
        page.freeze_panes(1, 1)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        page.set_footer("&L&A&RPage &P of &N" + ("&CDRAFT" if self.books.status == "draft" else ""))
        page.set_row(0, 32)
        for column, (row, width) in enumerate(zip(described, widths, strict=True)):
            page.set_column(column, column, width)
            is_number = row[1].startswith(("DECIMAL", "BIGINT", "INTEGER"))
            page.write_string(0, column, row[0].replace("_", " "), self.formats["head_right" if is_number else "head"])

    def _write_row(self, page: Any, place: int, sheet: Sheet, row: tuple) -> None:
        values = dict(zip(sheet.columns, row, strict=True))
        for column, (name, value) in enumerate(values.items()):
            if value is None:
                continue
            if isinstance(value, Decimal):
                is_money = name.endswith(("amount", "price"))
                style = self._money(name, value, values.get("currency_code")) if is_money else self.formats["quantity"]
                if not self._number(page, place, column, value, style):
                    sheet.exact_texts[name] = sheet.exact_texts.get(name, 0) + 1
            elif isinstance(value, bool):
                page.write_boolean(place, column, value)
            elif isinstance(value, int):
                page.write_number(place, column, value, self.formats["whole"])
            elif isinstance(value, datetime):
                page.write_datetime(place, column, value.astimezone(UTC).replace(tzinfo=None), self.formats["instant"])
            elif isinstance(value, date):
                page.write_datetime(place, column, value, self.formats["date"])
            else:
                page.write_string(place, column, str(value))

    def _money(self, name: str, value: Decimal, currency: str | None) -> Any:
        """An amount in its currency's minor units; a price with all its decimals."""
        if name.endswith("price") and value != round(value, self.units.get(currency or "", 4)):
            return self.formats["quantity"]
        return self.amount_format(currency)

    def _number(self, page: Any, row: int, column: int, value: Decimal, style: Any) -> bool:
        """A decimal as a number, or as exact text where Excel would lose digits; whether it is a number."""
        if is_exact(value):
            page.write_number(row, column, float(value), style)
            return True
        page.write_string(row, column, format(value, "f"), self.formats["exact"])
        return False

    # --- The first sheet ---------------------------------------------------------------------------------------------

    def _summary(self, page: Any, title: str, sheets: dict[str, Sheet]) -> None:
        page.set_column(0, 0, 28)
        page.set_column(1, 10, 18)
        page.set_landscape()
        page.set_paper(9)
        page.fit_to_pages(1, 0)
        page.write_string(0, 0, title, self.formats["title"])
        row = 1
        if self.books.status == "draft":
            text = "DRAFT – not an invoice; figures change until the month is closed."
            page.write_string(row, 0, text, self.formats["draft"])
            row += 1
        for name, value in origin(self.books.run):
            page.write_string(row, 0, name)
            page.write_string(row, 1, value)
            row += 1
        row = self._amounts(page, row + 1, sheets)
        row = self._usage(page, row + 1, sheets["Usage by day"])
        self._notes(page, row + 1, sheets)

    def _amounts(self, page: Any, row: int, sheets: dict[str, Sheet]) -> int:
        """By currency: documents, each kind of line, what is billed, what is held, and the documents' own sum."""
        lines, invoices = sheets["Lines"], sheets["Invoices"]
        heads = ["Currency", "Documents", *(words.KINDS[kind] for kind in KINDS), "Billed", "Held", "Sum of documents"]
        page.write_string(row, 0, "Amounts by currency; nothing is added up over currencies", self.formats["section"])
        self._heads(page, row + 1, heads)
        row += 2
        query = """
            select lines.*, documents.documents, documents.amount as documents_amount from (
                select
                    currency_code,
                    sum(amount) filter (where line_kind = 'charge' and status <> 'held') as charge,
                    sum(amount) filter (where line_kind = 'subscription' and status <> 'held') as subscription,
                    sum(amount) filter (where line_kind = 'adjustment' and status <> 'held') as adjustment,
                    sum(amount) filter (where line_kind = 'credit' and status <> 'held') as credit,
                    sum(amount) filter (where status <> 'held') as billed,
                    sum(amount) filter (where status = 'held') as held
                from books.invoice_lines group by currency_code
            ) as lines
            left join (
                select currency_code, count(*) as documents, sum(amount) as amount from books.invoices group by 1
            ) as documents using (currency_code)
            order by currency_code"""
        result = self.connection.execute(query)
        names = [column[0] for column in result.description or ()]
        for values in (dict(zip(names, each, strict=True)) for each in result.fetchall()):
            currency = values["currency_code"]
            page.write_string(row, 0, currency)
            page.write_formula(
                row, 1, f"={invoices.counted(currency_code=currency)}", self.formats["whole"], values["documents"] or 0
            )
            for column, kind in enumerate(KINDS, start=2):
                formula = lines.summed("amount", currency_code=currency, line_kind=kind, status="<>held")
                self._total(page, row, column, formula, values[kind], currency, lines)
            column = 2 + len(KINDS)
            for status, name in (("<>held", "billed"), ("held", "held")):
                formula = lines.summed("amount", currency_code=currency, status=status)
                self._total(page, row, column, formula, values[name], currency, lines)
                column += 1
            formula = invoices.summed("amount", currency_code=currency)
            self._total(page, row, column, formula, values["documents_amount"], currency, invoices)
            row += 1
        return row

    def _total(
        self, page: Any, row: int, column: int, formula: str, value: Decimal | None, currency: str, sheet: Sheet
    ) -> None:
        """A total as a formula with its value; as the exact value alone where Excel could not add it up."""
        value = value or Decimal(0)
        if sheet.exact_texts.get("amount") or not is_exact(value):
            self._number(page, row, column, value, self.amount_format(currency))
            return
        units = self.units.get(currency, 4)
        page.write_formula(row, column, f"=ROUND({formula},{units})", self.amount_format(currency), float(value))

    def _usage(self, page: Any, row: int, usage: Sheet) -> int:
        page.write_string(row, 0, "Usage by meter", self.formats["section"])
        self._heads(page, row + 1, ["Meter", "Quantity", "Unit"])
        row += 2
        totals = self.connection.execute(
            """
            select meter, sum(quantity)::decimal(38, 6), any_value(meters.unit)
            from books.daily_usage left join books.meters as meters using (meter) group by 1 order by 1
            """
        ).fetchall()
        for meter, quantity, unit in totals:
            page.write_string(row, 0, meter)
            if usage.exact_texts.get("quantity") or not is_exact(quantity):
                self._number(page, row, 1, quantity, self.formats["quantity"])
            else:
                formula = f"=ROUND({usage.summed('quantity', meter=meter)},6)"
                page.write_formula(row, 1, formula, self.formats["quantity"], float(quantity))
            page.write_string(row, 2, unit or "")
            row += 1
        return row

    def _heads(self, page: Any, row: int, heads: Sequence[str]) -> None:
        for column, head in enumerate(heads):
            page.write_string(row, column, head, self.formats["head_right" if column else "head"])

    def _notes(self, page: Any, row: int, sheets: dict[str, Sheet]) -> None:
        """What a reader must know of the sheets: their rows, and where a figure is text."""
        page.write_string(row, 0, "Sheets", self.formats["section"])
        self._heads(page, row + 1, ["Sheet", "Rows", "Sheets", "Exact texts"])
        row += 2
        for sheet in sheets.values():
            page.write_string(row, 0, sheet.name)
            page.write_number(row, 1, sheet.rows, self.formats["whole"])
            page.write_number(row, 2, len(sheet.parts), self.formats["whole"])
            page.write_number(row, 3, sum(sheet.exact_texts.values()), self.formats["whole"])
            row += 1
        for text in (
            "Exact texts: decimals of more than 15 digits, which Excel would change; "
            "totals over them are values, not formulas.",
            "Dates that end a stretch (usage_to, service_to) are excluded. Instants are UTC.",
        ):
            page.write_string(row, 0, text)
            row += 1


def is_exact(value: Decimal) -> bool:
    """Whether Excel keeps every digit of a decimal."""
    return len(value.normalize().as_tuple().digits) <= DIGITS
