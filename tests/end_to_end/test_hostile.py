"""Nothing that arrives is anything but data: damage, hostile names and ids, links; and inputs that are not whole."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest
from oracle import compute
from oracle.compare import differences

from end_to_end.commands import reading
from end_to_end.story_hostile import EVIL, HTML, SECRET, Hostile
from end_to_end.story_private import files_with, values_with

FORMULA = re.compile(r"^[=+\-@\t\r\n]")
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


def _below(folder: Path, suffix: str) -> list[Path]:
    return sorted(path for path in folder.rglob(f"*{suffix}") if path.is_file())


def test_the_run_ends_well_and_every_row_is_the_oracles(hostile_story: Hostile) -> None:
    home = hostile_story.home
    assert hostile_story.run.status == 0, str(hostile_story.run)
    result = compute(home.landing, home.policy, datetime(2026, 4, 20, 12, tzinfo=UTC), date(2026, 3, 1))
    found = differences(home.published, result)
    assert not found, "\n".join(found)


def test_ids_are_what_they_were(hostile_story: Hostile) -> None:
    rows = hostile_story.home.query("select distinct relationship_id from usage.fct_daily_active_relationships")
    assert {row[0] for row in rows} >= set(EVIL)
    rows = hostile_story.home.query("select account_id, contract_id, purchase_order from billing.fct_invoices")
    assert {row for row in rows if row[0] == row[1]} >= {(word, word, word) for word in EVIL}


def test_links_that_lead_out_are_listed_and_not_followed(hostile_story: Hostile) -> None:
    rows = hostile_story.home.query(
        "select file, reason from quality.fct_rejected_records where reason = 'outside_landing' order by 1"
    )
    assert rows == [
        ("function_invocations/up.jsonl", "outside_landing"),
        ("messaging_interactions/link_to_file.jsonl", "outside_landing"),
        ("messaging_interactions/link_to_folder", "outside_landing"),
    ]
    assert values_with(hostile_story.home.folder / "warehouse.duckdb", [SECRET]) == []
    assert files_with(hostile_story.home.folder, [SECRET]) == []


def test_nothing_is_written_outside_the_home(hostile_story: Hostile) -> None:
    home = hostile_story.home
    assert [path.name for path in hostile_story.outside.iterdir()] == ["secret.jsonl"]
    for folder in (home.lab.folder, home.folder, home.project, Path.cwd()):
        assert not (folder / "escape").exists()
        assert not (folder / "owned").exists()
    for path in (home.folder / "exports").rglob("*"):
        assert path.resolve().is_relative_to(home.folder / "exports")
        assert "\n" not in path.name


def test_no_cell_of_a_csv_is_a_formula(hostile_story: Hostile) -> None:
    cells = 0
    for path in _below(hostile_story.home.folder / "exports", ".csv"):
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.reader(stream):
                for cell in row:
                    cells += 1
                    assert not FORMULA.match(cell) or NUMBER.fullmatch(cell), f"{path.name}: {cell!r}"
    assert cells > 500


def test_no_cell_of_a_workbook_is_a_formula_of_theirs(hostile_story: Hostile) -> None:
    books = _below(hostile_story.home.folder / "exports", ".xlsx")
    for path in books:
        for sheet in openpyxl.load_workbook(path):
            for row in sheet.iter_rows():
                for cell in row:
                    is_formula = cell.data_type == "f" or cell.hyperlink is not None
                    text = str(cell.hyperlink.target if cell.hyperlink else cell.value)
                    assert not (is_formula and any(word in text for word in ("example.com", "cmd|", "SUM(1", "2+3")))


@pytest.mark.parametrize("folder", ["exports", "data_docs"])
def test_no_page_holds_their_markup(hostile_story: Hostile, folder: str) -> None:
    for path in _below(hostile_story.home.folder / folder, ".html"):
        text = path.read_text(encoding="utf-8")
        for word in HTML:
            assert word not in text, f"{path}: {text[max(text.index(word) - 80, 0) : text.index(word) + 80]!r}"


def test_dagster_shows_their_words_as_text(hostile_story: Hostile) -> None:
    """Cells of its tables are text by type; in Markdown, the other thing that it renders, stands nothing of theirs."""
    tables = 0
    for path in _below(hostile_story.home.folder / "dagster", ".db"):
        with sqlite3.connect(path) as connection:
            names = {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}
            for (event,) in connection.execute("select event from event_logs") if "event_logs" in names else ():
                tables += (event or "").count("TableMetadataEntryData")
                for text in re.findall(r'"md_str": "((?:[^"\\]|\\.)*)"', event or ""):
                    assert not any(word in json.loads(f'"{text}"') for word in HTML), text[:500]
    assert tables > 5


def test_what_is_not_whole_is_a_warning_of_the_gate(hostile_story: Hostile) -> None:
    assert [row[0] for row in hostile_story.warned if row[1] == "open"] == ["open_conversation"]
    assert hostile_story.statuses["i1"] == "draft"
    with reading(hostile_story.home.folder / "warehouse.duckdb") as connection:
        rows = connection.execute(
            "select distinct gate, severity, success from quality.gate_results "
            "where expectation = 'inputs_are_complete'"
        ).fetchall()
    assert rows == [("outgoing", "warning", False)]
    assert "inputs_are_complete" in hostile_story.run.messages + hostile_story.run.output


def test_and_by_a_setting_a_hold_of_the_contract(hostile_story: Hostile) -> None:
    assert hostile_story.held is not None
    assert hostile_story.held.status == 0, str(hostile_story.held)
    assert hostile_story.statuses_held["i1"] == "held"
    assert hostile_story.statuses_held["+cmd|' /C calc'!A0"] == "draft"
    assert "i1" in hostile_story.held.output
