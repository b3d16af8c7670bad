"""exports/YYYY-MM/: the same bytes, read back, swapped as a whole; and the review of a draft."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from house import PERIOD, build_marts, change, make_settings, published, seal_march

from orchestration import exports
from orchestration.books import open_books
from orchestration.exports import Export, draft_digest, export_folder, recover, write_exports, write_tables
from orchestration.publication import publish
from orchestration.review import require_same_draft
from orchestration.settings import LedgerError, Settings, connect
from orchestration.tables import csv_cell, harmless
from orchestration.versions import file_sha256

MARCH = date(2026, 3, 1)
HEAD = {"period": "2026-03", "sha256": "ab" * 32}


def quiet(_: str) -> None:
    """A log that nobody reads."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_settings(tmp_path)
    build_marts(made)
    seal_march(made)
    return made


def export(settings: Settings, period: date = PERIOD) -> list[Export]:
    contents = publish(settings, published(settings, has_besides=True), quiet)
    return write_exports(settings, period, contents, HEAD, quiet, [write_tables])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_draft_says_so_in_its_names_and_its_manifest(settings: Settings) -> None:
    export(settings)
    folder = export_folder(settings, PERIOD)
    assert sorted(content(folder)) == [
        "alerts.draft.csv", "invoice_lines.draft.csv", "invoice_lines.draft.parquet", "invoices.draft.csv",
        "invoices.draft.parquet", "manifest.json",
    ]  # fmt: skip
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["status"] == "draft"
    assert manifest["sums"] == {"JPY": "500.0000", "USD": "39.7800"}
    assert manifest["head"] == HEAD
    assert manifest["published"]["billing.fct_invoice_lines"]["rows"] == 4
    assert set(manifest["policy"]) >= {"settings.csv", "rate_plans.csv"}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == file_sha256(folder / name)


def test_a_closed_period_is_final_and_made_again_when_missing(settings: Settings) -> None:
    written = export(settings)
    assert [(each.period, each.status) for each in written] == [(PERIOD, "draft"), (MARCH, "final")]
    final = export_folder(settings, MARCH)
    assert "invoice_lines.csv" in content(final)
    assert [each.period for each in export(settings)] == [PERIOD]
    before = (final / "invoice_lines.csv").read_bytes()
    (final / "invoice_lines.csv").write_bytes(b"changed by hand")
    assert [each.period for each in export(settings)] == [PERIOD, MARCH]
    assert (final / "invoice_lines.csv").read_bytes() == before


def test_what_arrives_later_leaves_a_final_folder_as_it_was_closed(settings: Settings) -> None:
    export(settings, MARCH)
    before = content(export_folder(settings, MARCH))
    change(settings, "update billing.fct_invoice_lines set amount = 1 where invoice_line_id = 'line-1'")
    export(settings, MARCH)
    assert content(export_folder(settings, MARCH)) == before


def test_a_final_folder_made_again_is_the_same_to_the_byte_whatever_came_since(settings: Settings) -> None:
    """SPEC C1: derived from the seal: the manifest says of the close what it said first."""
    export(settings)
    folder = export_folder(settings, MARCH)
    before = content(folder)
    assert json.loads(before["manifest.json"])["published"]["billing.fct_invoice_lines"]["rows"] == 4
    shutil.rmtree(folder)
    change(settings, "update billing.fct_invoice_lines set amount = 3 where billing_period = date '2026-04-01'")
    change(settings, "insert into billing.fct_usage_to_date select * replace (date '2026-03-01' as period)"
                     " from billing.fct_usage_to_date")  # fmt: skip
    later = replace(settings, as_of=settings.as_of + timedelta(days=40))
    assert [each.period for each in export(later)] == [PERIOD, MARCH]
    assert content(folder) == before


def test_a_closed_months_service_levels_are_those_of_its_close(tmp_path: Path) -> None:
    """Issue 9: what arrives later shows in the published table, never in the report of the closed month."""
    settings = make_settings(tmp_path)
    build_marts(settings)
    change(settings, "insert into support.fct_service_levels values "
                     "('account', '1', 'response', date '2026-03-01', 1, 0, 1, 0, 0, 0, 0)")  # fmt: skip
    seal_march(settings)
    change(settings, "update support.fct_service_levels set met = 1, missed = 0, percent = 1")
    publish(settings, published(settings, has_besides=True), quiet)
    question = "select due_month, met, missed, percent from books.service_levels"
    for status, shown in (("final", (MARCH, 0, 1, Decimal(0))), ("draft", (MARCH, 1, 0, Decimal(1)))):
        with open_books(settings, MARCH, status, {}) as books:
            assert books.connection.execute(question).fetchall() == [shown]


def test_the_same_inputs_give_the_same_bytes(settings: Settings) -> None:
    export(settings)
    first = content(export_folder(settings, PERIOD))
    for path in export_folder(settings, PERIOD).iterdir():
        path.unlink()
    export_folder(settings, PERIOD).rmdir()
    build_marts(settings)
    change(settings, "create or replace table billing.fct_invoices as from billing.fct_invoices order by random()")
    export(settings)
    assert content(export_folder(settings, PERIOD)) == first


def test_a_csv_is_rfc_4180_and_holds_no_formula(settings: Settings) -> None:
    export(settings)
    raw = (export_folder(settings, PERIOD) / "invoice_lines.draft.csv").read_bytes()
    assert raw.startswith(b"invoice_line_id,invoice_id,")
    assert b'"Caf\xc3\xa9 ""x"""' in raw
    with (export_folder(settings, PERIOD) / "invoice_lines.draft.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["description"] for row in rows] == ['Café "x"', "'=1+1", "a\r\nb"]
    assert [row["amount"] for row in rows] == ["0.7800", "39.0000", "500.0000"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (Decimal("0E-12"), "0.000000000000"),
        (Decimal("-3.50"), "-3.50"),
        (date(2026, 4, 1), "2026-04-01"),
        (datetime(2026, 4, 1, 12, 0, 0, 500000, UTC), "2026-04-01T12:00:00.500000Z"),
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("-7", "-7"),
        ("-7+1", "'-7+1"),
        ("a=b", "a=b"),
    ],
)
def test_cells(value: Any, cell: str) -> None:
    assert csv_cell(value) == cell
    assert harmless(cell) == cell or cell.startswith("-")


def test_a_file_that_lost_a_row_is_not_exported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    export(settings)
    before = content(export_folder(settings, PERIOD))
    change(settings, "update billing.fct_invoice_lines set amount = 2 where invoice_line_id = 'line-1'")
    real = csv.writer

    def losing(file: Any) -> Any:
        class Writer:
            inner = real(file)

            def writerow(self, row: list) -> None:
                self.inner.writerow(row)

            def writerows(self, rows: list) -> None:
                self.inner.writerows(rows[:-1])

        return Writer()

    monkeypatch.setattr("orchestration.tables.csv.writer", losing)
    with pytest.raises(LedgerError, match="nothing was exported"):
        export(settings)
    assert content(export_folder(settings, PERIOD)) == before
    assert not [path for path in settings.exports.iterdir() if path.name.startswith(".")]


def test_a_death_between_the_two_renames_is_put_right(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    export(settings)
    folder = export_folder(settings, PERIOD)
    before = content(folder)
    folder.rename(settings.exports / ".old-2026-04")
    (settings.exports / ".tmp-2026-04-1").mkdir()
    recover(settings)
    assert content(folder) == before
    (settings.exports / ".old-2026-04").mkdir()
    recover(settings)
    assert sorted(path.name for path in settings.exports.iterdir()) == ["2026-03", "2026-04"]


def test_a_folder_that_cannot_be_written_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = publish(settings, published(settings, has_besides=True), quiet)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exports, "_swap", full)
    with pytest.raises(LedgerError, match="No space left on device"):
        write_exports(settings, PERIOD, contents, HEAD, quiet, [write_tables])
    assert not [path for path in settings.exports.iterdir() if path.name.startswith(".")]


def test_a_reviewed_draft_may_be_closed_and_a_changed_one_shows_the_difference(settings: Settings) -> None:
    digest = export(settings)[0].digest
    with connect(settings) as connection:
        require_same_draft(connection, settings, PERIOD, digest)
        require_same_draft(connection, settings, PERIOD, digest[:16].upper())
        with pytest.raises(LedgerError, match="no longer"):
            require_same_draft(connection, settings, PERIOD, digest[:4])
        connection.execute("update billing.fct_invoice_lines set amount = 78 where invoice_line_id = 'line-2'")
        with pytest.raises(
            LedgerError, match=r"line-2: USD 39\.0000 for 7\.000000 then, USD 78\.0000 for 7\.000000 now"
        ):
            require_same_draft(connection, settings, PERIOD, digest)


def test_the_digest_is_that_of_the_lines_alone(settings: Settings) -> None:
    export(settings)
    with connect(settings) as connection:
        digest = draft_digest(connection, PERIOD)
        connection.execute("update billing.fct_invoice_lines set status = 'final' where status = 'draft'")
        assert draft_digest(connection, PERIOD) == digest
        connection.execute("update billing.fct_invoice_lines set status = 'draft' where status = 'held'")
        assert draft_digest(connection, PERIOD) != digest
    with duckdb.connect(str(settings.published / "finance.duckdb"), read_only=True) as reader:
        assert draft_digest(reader, PERIOD) == digest
