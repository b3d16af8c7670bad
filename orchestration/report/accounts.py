"""accounts/<account>/: a statement for each account, with its lines and its DARs beside it.

What belongs here: the folders, the lists and their proof. What does not: what a statement says (statements).
"""

from __future__ import annotations

from pathlib import Path

from orchestration.books import Books
from orchestration.csv_lists import read_lists, split_lists
from orchestration.report import words
from orchestration.report.origin import origin
from orchestration.report.pages import FILE, NUMBER, TEXT, Cell, Table, link, rows_of, write_page
from orchestration.report.statements import read_material, statement
from orchestration.settings import LedgerError
from orchestration.tables import FileOfTable
from orchestration.versions import file_sha256

ACCOUNTS = "accounts"
LISTS = {
    "lines": "select * from books.invoice_lines order by account_id, invoice_line_id",
    "dars": """
        select
            account_id, contract_id, site_id, activity_date, composition,
            evidence_conversation_id as conversation_id, evidence_message_id as message_id
        from books.daily_active_relationships
        order by
            account_id, activity_date, site_id, evidence_conversation_id, evidence_message_id, relationship_id""",
}
LISTED = {
    "lines": "Every line of the account's documents, with its terms",
    "dars": "Every DAR of the month: site, date, who took part, and the message that proves it",
}


def write_accounts(books: Books, folder: Path) -> list[FileOfTable]:
    """Write the folder of every account that has a document; LedgerError when a list does not hold what it must."""
    material = read_material(books, origin(books.run))
    folders = {account: words.folder_name(account) for account in material.invoices}
    if folders:
        (folder / ACCOUNTS).mkdir()
    for name in folders.values():
        (folder / ACCOUNTS / name).mkdir()
    lists = {stem: _write_list(books, folder, folders, stem) for stem in LISTS}
    files = []
    for account, name in folders.items():
        beside = [lists[stem][account] for stem in LISTS]
        page = statement(material, account, _table_of_files(beside))
        target = f"{ACCOUNTS}/{name}/{books.file_name('statement', 'html')}"
        files.append(write_page(folder, target, "statement.html", page))
        files += beside
    return files


def _write_list(books: Books, folder: Path, folders: dict[str, str], stem: str) -> dict[str, FileOfTable]:
    """One list of all accounts, cut into their folders and read back."""
    names = {
        account: f"{ACCOUNTS}/{name}/{books.file_name(stem, 'csv')}" for account, name in folders.items()
    }
    paths = {account: folder / name for account, name in names.items()}
    # The account is in the lines too: what cuts the list is a column of its own.
    query = f"select account_id as cut_by, * {'exclude (account_id)' if stem == 'dars' else ''} from ({LISTS[stem]})"
    written = split_lists(books.connection, query, "cut_by", paths)
    columns = [row[0] for row in books.connection.execute(f"describe {query}").fetchall() if row[0] != "cut_by"]
    found = read_lists(books.connection, paths, columns, sums=stem == "lines")
    wanted = {account: sorted(rows) for account, rows in _wanted(books, stem).items()}
    for account, path in paths.items():
        if found[account] != wanted.get(account, []):
            raise LedgerError(
                f"{path} holds {found[account]}, the books {wanted.get(account, [])}; nothing was exported. "
                "Run again; if it happens again, report it."
            )
    return {
        account: FileOfTable(
            names[account], written[account], path.stat().st_size, file_sha256(path),
            {currency: total for currency, _, total in found[account]} if stem == "lines" else {},
        )
        for account, path in paths.items()
    }  # fmt: skip


def _wanted(books: Books, stem: str) -> dict[str, list[tuple]]:
    """What each account's list must hold, from the books themselves: currency, rows, sum of amounts."""
    query = {
        "lines": "select account_id, currency_code, count(*), sum(amount::decimal(38, 4)) from books.invoice_lines",
        "dars": "select account_id, null, count(*), null from books.daily_active_relationships",
    }[stem]
    wanted: dict[str, list[tuple]] = {}
    for account, *rest in books.connection.execute(f"{query} group by all order by all").fetchall():
        wanted.setdefault(account, []).append(tuple(rest))
    return wanted


def _table_of_files(files: list[FileOfTable]) -> Table:
    rows = []
    for file in files:
        name = file.name.rsplit("/", 1)[-1]
        rows.append([
            Cell(name, href=link(name)), LISTED[name.split(".")[0]], words.quantity(file.rows), file.sha256
        ])  # fmt: skip
    columns = [("File", FILE), ("What it lists", TEXT), ("Rows", NUMBER), ("SHA-256", TEXT)]
    return Table("Lists that belong to this statement", columns, rows)


def folders_of(books: Books) -> dict[str, str]:
    """The folder of each account that has one, below the period's folder."""
    rows = rows_of(books.connection, "select distinct account_id from books.invoices order by account_id")
    return {row["account_id"]: f"{ACCOUNTS}/{words.folder_name(row['account_id'])}" for row in rows}
