"""The report and the statements as files: what they say, of whom, and that nothing else is in them."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sample_books import RUN, WORDS, sample_books

from orchestration.report import accounts
from orchestration.report.accounts import write_accounts
from orchestration.report.finance import write_report
from orchestration.report.words import folder_name
from orchestration.settings import LedgerError
from orchestration.tables import FileOfTable
from orchestration.versions import file_sha256

VOID = {"meta", "br", "rect", "path", "line", "circle"}


class Reader(HTMLParser):
    """The texts and tables of a page, and whatever would ask the network or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._open: list[str] = []
        self._caption = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "action", "data")]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.tables.setdefault(self._caption, []).append([])
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append("")
        if tag == "caption":
            self._caption = ""

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.texts.append(data)
        if "caption" in self._open:
            self._caption += data.strip()
        elif "td" in self._open or "th" in self._open:
            self.tables[self._caption][-1][-1] += data.strip()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("draft")
    with sample_books() as books:
        write_report(books, made)
        write_accounts(books, made)
    return made


def pages(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.rglob("*.html")))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def statement(folder: Path, account: str) -> Reader:
    path = folder / "accounts" / folder_name(account) / "statement.draft.html"
    return Reader(path.read_text(encoding="utf-8"))


def test_a_statement_holds_nothing_of_any_other_account(folder: Path) -> None:
    for account in WORDS:
        beside = folder / "accounts" / folder_name(account)
        assert sorted(path.name for path in beside.iterdir()) == [
            "dars.draft.csv", "lines.draft.csv", "statement.draft.html"
        ]  # fmt: skip
        for path in beside.iterdir():
            text = path.read_text(encoding="utf-8").lower()
            for other, words in WORDS.items():
                assert other == account or not [word for word in words if word.lower() in text], path
    own = statement(folder, "acme").text
    assert all(word in own for word in ("Acme Outfitters", "acme-2026", "acme-site", "PO-ACME"))


def test_a_page_needs_no_network_and_no_script(folder: Path) -> None:
    for path in pages(folder):
        reader = Reader(path.read_text(encoding="utf-8"))
        assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(reader.tags), path
        assert not [address for address in reader.addresses if re.match(r"([a-z]+:|//)", address)], path


def test_a_name_is_text_and_never_markup(folder: Path) -> None:
    page = (folder / "accounts" / folder_name("../Béta & <b>") / "statement.draft.html").read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "Béta &amp; &lt;b&gt;Söhne" in page


def test_a_draft_is_unmistakable_and_a_final_page_does_not_say_draft(tmp_path: Path, folder: Path) -> None:
    for path in pages(folder):
        page = path.read_text(encoding="utf-8")
        assert path.name.endswith(".draft.html")
        assert "<title>DRAFT – " in page
        assert 'class="watermark"' in page
        assert "Draft: " in page
    final = "update books.invoices set status = 'final'; update books.invoice_lines set status = 'final'"
    with sample_books("final", final.replace("; ", ";\n")) as books:
        write_report(books, tmp_path)
        write_accounts(books, tmp_path)
    found = list(pages(tmp_path))
    assert len(found) == 4
    for path in found:
        assert ".draft." not in path.name
        assert "draft" not in Reader(path.read_text(encoding="utf-8")).text.lower(), path


def test_every_page_prints_the_head_hash(folder: Path) -> None:
    for path in pages(folder):
        assert f"2026-03 {RUN['head_hash']}" in Reader(path.read_text(encoding="utf-8")).text


def test_a_statement_adds_up_and_says_why(folder: Path) -> None:
    acme = statement(folder, "acme")
    lines = acme.tables["Lines; both dates belong to the usage"]
    assert [row[-1] for row in lines] == ["Amount", "3.12 USD", "78.00 USD", "6.36 USD", "87.48 USD"]
    assert lines[2][:5] == ["=DAR overage", "2026-04-01 to 2026-04-30", "2,150", "DAR", "2,000"]
    assert lines[1][6] == "0.078 USD (derived)"
    reasons = acme.tables["Adjustments and credits"][1][-1]
    assert "arrived after the month was closed" in reasons
    assert "contradicting copies" in reasons
    assert acme.tables["Credits that this month's usage consumed"][1][3] == "8"
    assert "above the limit" in acme.text
    assert "The allowance of 2,000 was used up on 2026-04-02; 150 more were used." in acme.text
    composed = acme.tables["DARs by who took part"]
    assert len(composed) == 1 + 7 + 1
    assert sum(int(row[1].replace(",", "")) for row in composed[1:-1]) == 2150


def test_a_held_document_says_so_and_is_not_in_the_total(folder: Path) -> None:
    gamma = statement(folder, "gamma").text
    assert "Held. Usage of this contract is still being clarified" in gamma
    assert "12.50 EUR held back, not billed (1 document)" in gamma
    assert "0.00 EUR 1 document" in gamma


def test_the_report_never_adds_up_currencies(folder: Path) -> None:
    report = Reader((folder / "report.draft.html").read_text(encoding="utf-8"))
    totals = {row[0]: row[1:] for row in report.tables["Amounts by currency"][1:]}
    assert totals["USD"] == ["1", "81.12 USD", "0.00 USD", "6.36 USD", "0.00 USD", "87.48 USD", "0.00 USD", "3.12 USD"]
    assert totals["JPY"][4:6] == ["-1,500 JPY", "-1,500 JPY"]
    assert totals["EUR"][1:7] == [*["0.00 EUR"] * 5, "12.50 EUR"]  # what is held is in no other sum
    assert report.tables["Contracts whose document is held"][1] == [
        "gamma-2026", "gamma", "unrated usage", "4", "12.50 EUR"
    ]  # fmt: skip
    assert report.tables["Usage that no term prices"][1][3] == "no term"
    alerts = report.tables["Alerts: allowances near their end or above it"]
    assert [row[0] for row in alerts] == ["Contract", "acme-2026"]


def test_nothing_is_drawn_where_nothing_is_billed(folder: Path) -> None:
    report = Reader((folder / "report.draft.html").read_text(encoding="utf-8"))
    assert "Billed in USD by account" in report.text
    assert "Billed in EUR by account" not in report.text  # one document of 0.00, one that is held


def test_every_account_of_the_report_leads_to_its_statement(folder: Path) -> None:
    from urllib.parse import unquote

    report = Reader((folder / "report.draft.html").read_text(encoding="utf-8"))
    targets = [address for address in report.addresses if address.startswith("accounts/")]
    assert len(targets) == 4
    for target in targets:
        assert (folder / unquote(target)).is_file(), target


def test_the_lists_are_whole_and_harmless(folder: Path) -> None:
    beside = folder / "accounts" / "acme"
    raw = (beside / "dars.draft.csv").read_bytes()
    assert raw.count(b"\r\n") == 2151 == raw.count(b"\n")
    with (beside / "dars.draft.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["contract_id", "site_id", "activity_date", "composition", "conversation_id", "message_id"]
    assert {row["message_id"][0] for row in rows if row["activity_date"] == "2026-04-02"} == {"'"}
    with (beside / "lines.draft.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["account_id"] for line in lines} == {"acme"}
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal("87.48")
    assert "'=DAR overage" in {line["description"] for line in lines}
    with (folder / "accounts" / "gamma" / "dars.draft.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["message_id"] == '"a,bms::1'


def test_a_list_that_lacks_a_row_stops_the_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(accounts.LISTS, "dars", f"from ({accounts.LISTS['dars']}) where message_id <> 'ms::7'")
    with sample_books() as books, pytest.raises(LedgerError, match="nothing was exported"):
        write_accounts(books, tmp_path)


def test_the_manifest_learns_of_every_file(tmp_path: Path) -> None:
    with sample_books() as books:
        files: list[FileOfTable] = [*write_report(books, tmp_path), *write_accounts(books, tmp_path)]
    assert sorted(file.name for file in files) == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    )
    for file in files:
        assert file.sha256 == file_sha256(tmp_path / file.name)
        assert (file.rows is None) == file.name.endswith(".html")


def test_a_month_without_anything_still_has_a_report(tmp_path: Path) -> None:
    tables = ("invoices", "invoice_lines", "daily_usage", "daily_active_relationships", "usage_to_date",
              "platform_users", "reconciliation", "unrated_usage", "held_contracts", "service_levels")  # fmt: skip
    with sample_books(changes=";\n".join(f"delete from books.{table}" for table in tables)) as books:
        assert [file.name for file in write_report(books, tmp_path)] == ["report.draft.html"]
        assert write_accounts(books, tmp_path) == []


def test_the_report_says_how_support_kept_its_promises(folder: Path) -> None:
    """Issue 9: by account, severity and promise; a share only where something was judged."""
    page = Reader((folder / "report.draft.html").read_text(encoding="utf-8"))
    assert page.tables["By account, severity and promise"][1:] == [
        ["=Gamma(1)", "2", "Root cause analysis", "1", "0", "0", "1", "0", "0", ""],
        ["Acme Outfitters", "1", "Response", "4", "2", "1", "0", "1", "0", "66.7 %"],
    ]
    assert "3 promises of support cases were due in this month and judged, 2 of them met." in page.text


def test_two_processes_write_the_same_bytes(tmp_path: Path, folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from sample_books import sample_books\n"
        "from orchestration.report.accounts import write_accounts\n"
        "from orchestration.report.finance import write_report\n"
        "with sample_books() as books: write_accounts(books, Path(sys.argv[1])); write_report(books, Path(sys.argv[1]))"
    )
    here = Path(__file__).resolve().parent
    subprocess.run([sys.executable, "-c", program, str(tmp_path), str(here), str(here.parents[1])], check=True)
    written, before = contents(tmp_path), contents(folder)
    assert len(before) == 10
    assert written == before
