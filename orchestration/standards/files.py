"""focus.csv and journal.csv of a period's folder (issue 7, item 4), from its books.

The SQL stands beside this file; here it is written, read back and checked. What does not belong here: where a figure
comes from (books), how a cell is written (tables).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from orchestration.books import Books
from orchestration.content import literal
from orchestration.settings import LedgerError
from orchestration.tables import FileOfTable, write_table

QUERIES = Path(__file__).parent


def query(name: str) -> str:
    """One of the queries beside this file."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def write_focus(books: Books, folder: Path) -> list[FileOfTable]:
    """FOCUS 1.2 as CSV and Parquet, one row per line of the period.

    Raises LedgerError where the rows or the sums of BilledCost per currency are not those of the lines (SPEC C6).
    """
    return [_focus(books, folder / books.file_name("focus", suffix)) for suffix in ("csv", "parquet")]


def _focus(books: Books, path: Path) -> FileOfTable:
    file = write_table(books.connection, query("focus"), {}, path)
    found = _sums(books, f'select "BillingCurrency", count(*), sum({_money("BilledCost")}) from {_reader(path)}')
    wanted = _sums(books, "select currency_code, count(*), sum(amount) from books.invoice_lines")
    if found != wanted:
        raise LedgerError(
            f"{path.name} holds {found or 'nothing'} and the lines {wanted or 'nothing'}; nothing was exported. "
            "Run again; if it happens again, report it."
        )
    return replace(file, sums={currency: Decimal(amount) for currency, _, amount in found})


def write_journal(books: Books, folder: Path) -> list[FileOfTable]:
    """The journal as CSV: month-end accrual, and for a closed period its reversal and the invoices.

    Raises LedgerError where a posting has no account, or a journal does not balance in its currency.
    """
    path = folder / books.file_name("journal", "csv")
    file = write_table(books.connection, query("journal"), {}, path)
    nameless = books.connection.execute(
        f"select coalesce(meter, journal_id) from {_reader(path)} where gl_account is null order by all limit 1"
    ).fetchone()
    if nameless:
        raise LedgerError(
            f"No account of the general ledger is stated for {nameless[0]}: add its row to gl_accounts.csv "
            "and run again. Nothing was exported."
        )
    uneven = books.connection.execute(
        f"select journal_id, currency_code, sum({_money('debit')}) - sum({_money('credit')}) as difference "
        f"from {_reader(path)} group by all having difference <> 0 order by all limit 1"
    ).fetchone()
    if uneven:
        raise LedgerError(
            f"{path.name}: {uneven[0]} is out of balance by {uneven[1]} {uneven[2]}; nothing was exported. "
            "Run again; if it happens again, report it."
        )
    return [file]


def _money(column: str) -> str:
    return f'cast("{column}" as decimal(38, 4))'


def _reader(path: Path) -> str:
    if path.suffix == ".csv":
        return f"read_csv({literal(str(path))}, header = true, all_varchar = true, delim = ',', quote = '\"')"
    return f"read_parquet({literal(str(path))})"


def _sums(books: Books, select: str) -> list[tuple[str, int, str]]:
    """(currency, rows, exact sum) of a selection of these three, in order."""
    rows = books.connection.execute(f"{select} group by all order by 1").fetchall()
    return [(currency, count, format(amount, "f")) for currency, count, amount in rows]
