"""The demo's published file and exports beside the oracle's reading of the landing files, and the same bytes twice."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from oracle import Result
from oracle.compare import USAGE_TABLES, differences

import demo
from end_to_end import billed
from end_to_end.commands import Home, reading
from end_to_end.story_demo import CLOSED, DRAFTED, Demo

MONEY = ("fct_invoice_lines", "fct_invoice_line_sites", "fct_invoice_line_tiers", "fct_invoices")
QUALITY = ("fct_rejected_records", "fct_conflicts")
TABLES = [*USAGE_TABLES, *(f"billing.{name}" for name in MONEY), *(f"quality.{name}" for name in QUALITY)]


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


@pytest.fixture(scope="module")
def expected(demo_story: Demo, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """March from the files of the close, April and the adjustments from all files."""
    before = tmp_path_factory.mktemp("oracle") / "before"
    demo.write_landing(before)
    policy, now = demo_story.home.policy, demo_story.home.landing
    closed = billed.Moment(before, policy, datetime.fromisoformat(demo.AS_OF_CLOSE), month(CLOSED))
    drafted = billed.Moment(now, policy, datetime.fromisoformat(demo.AS_OF_RUN), month(DRAFTED))
    return billed.expected([closed], drafted)


@pytest.mark.parametrize("table", TABLES)
def test_every_published_table_is_the_oracles(table: str, demo_story: Demo, expected: Result) -> None:
    found = differences(demo_story.published, expected, only=[table])
    assert not found, "\n".join(found)


def test_the_oracle_sees_a_changed_row(demo_story: Demo, expected: Result, tmp_path: Path) -> None:
    copy = tmp_path / "changed.duckdb"
    copy.write_bytes(demo_story.published.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        for table in ("billing.fct_invoice_lines", "billing.fct_invoice_line_sites", "billing.fct_invoices"):
            connection.execute(f"update {table} set amount = amount + 0.01 where rowid = 3")
        connection.execute("delete from usage.fct_daily_active_relationships where rowid = 7")
    for table in ("billing.fct_invoice_lines", "billing.fct_invoice_line_sites", "billing.fct_invoices",
                  "usage.fct_daily_active_relationships"):  # fmt: skip
        assert len(differences(copy, expected, only=[table])) == 1, table


def test_every_amount_of_every_invoice_is_recomputed(demo_story: Demo, expected: Result) -> None:
    """The files that finance gets: each document is the oracle's sum of its own lines, to the penny."""
    wanted: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for line in expected.line_objects:
        wanted[f"{line.billing_period:%Y-%m}", line.contract_id] += line.amount
    with duckdb.connect() as connection:
        connection.execute(f"attach '{demo_story.published}' as published (read_only)")
        rows = connection.execute(
            "select strftime(billing_period, '%Y-%m'), contract_id, amount from published.billing.fct_invoices"
        ).fetchall()
    assert {row[:2]: Fraction(row[2]) for row in rows} == wanted
    assert len(wanted) == 12


@pytest.mark.parametrize("period", [CLOSED, DRAFTED])
def test_exported_files_are_the_oracles_lines(period: str, demo_story: Demo, expected: Result) -> None:
    folder = demo_story.home.folder / "exports" / period
    manifest = json.loads((folder / "manifest.json").read_text())
    with (folder / "invoice_lines.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = sorted(
        (line.contract_id, line.charge_id or "", line.line_kind, line.amount)
        for line in expected.line_objects
        if f"{line.billing_period:%Y-%m}" == period
    )
    # The second period has been closed since, from the same files.
    found = sorted((row["contract_id"], row["charge_id"], row["line_kind"], Fraction(row["amount"])) for row in rows)
    assert found == wanted
    sums: dict[str, Fraction] = defaultdict(Fraction)
    for row in rows:
        sums[row["currency_code"]] += Fraction(row["amount"])
    assert {currency: Fraction(amount) for currency, amount in manifest["sums"].items()} == sums


def test_reconciliation_is_zero_everywhere(demo_story: Demo) -> None:
    with reading(demo_story.published) as connection:
        rows = connection.execute("select period, check_name, difference from quality.fct_reconciliation").fetchall()
    assert {check.split(":")[0] for _, check, _ in rows} >= {"records_received", "metered_usage", "lines_to_invoices"}
    assert [row for row in rows if row[2] != 0] == []


def test_late_usage_of_the_closed_month_is_billed_in_the_next(demo_story: Demo) -> None:
    with reading(demo_story.published) as connection:
        rows = connection.execute(
            "select contract_id, amount::varchar, reasons from billing.fct_invoice_lines "
            "where line_kind = 'adjustment' and meter = 'dar' and billing_period = date '2026-04-01' order by 1"
        ).fetchall()
    assert rows == [("harbour-2026", "39.0000", "late_usage"), ("nordlicht-2026", "2.1000", "late_usage")]


def test_the_demo_ends_with_its_invoices_and_what_to_do_next(demo_story: Demo) -> None:
    for answer in (demo_story.demo, demo_story.again):
        assert answer.status == 0, str(answer)
        assert answer.last_line == "The demo is ready."
        assert "make ui" in answer.output
        assert answer.output.count("Nordlicht") == 2
        assert "Traceback" not in answer.output + answer.messages


def test_a_second_run_gives_the_same_bytes(demo_story: Demo) -> None:
    assert demo_story.exports_again == demo_story.exports
    assert demo_story.contents_again == demo_story.contents
    assert any(path.endswith("invoice_lines.draft.parquet") for path in demo_story.exports)


def test_of_two_runs_at_once_one_wins_and_the_other_says_why_not(demo_story: Demo) -> None:
    assert demo_story.loser.status == 1
    assert "Another run (process" in demo_story.loser.last_line
    assert "LEDGER_LOCK_WAIT" in demo_story.loser.last_line
    assert demo_story.loser.seconds < demo_story.again.seconds


def test_a_close_that_may_wait_waits_and_closes(demo_story: Demo) -> None:
    assert demo_story.waiting_when_the_first_ended
    assert demo_story.closed.status == 0, str(demo_story.closed)
    assert f"{DRAFTED} is closed." in demo_story.closed.output
    head = (demo_story.home.folder / "sealed" / "HEAD").read_text().split()
    assert head[0] == DRAFTED
    assert head[1] in demo_story.verified.output
    assert demo_story.verified.status == 0, str(demo_story.verified)


def test_readers_never_fail_and_see_the_old_or_the_new(demo_story: Demo) -> None:
    assert len(demo_story.readers) > 1
    for reader in demo_story.readers:
        assert reader["failures"] == []
        assert reader["times"] > 20
        assert ["2026-04-01 closed" in row[2] for row in reader["seen"]] == [False, True], reader["seen"]
        assert len({(row[0], row[1], row[3]) for row in reader["seen"]}) == 1  # a close changes no figure


def test_a_close_leaves_the_earlier_seal_and_its_files_alone(demo_story: Demo) -> None:
    """But for the alerts, which are of a run's own period, March's files stay as they were when it was closed."""
    assert {path: demo_story.sealed_closed[path] for path in demo_story.sealed if path != "sealed/HEAD"} == {
        path: sha256 for path, sha256 in demo_story.sealed.items() if path != "sealed/HEAD"
    }
    march = {path: sha256 for path, sha256 in demo_story.exports.items() if f"/{CLOSED}/" in path}
    assert {path: demo_story.exports_closed.get(path) for path in march} == march
    assert not [path for path in demo_story.exports_closed if ".draft." in path]


def test_a_flipped_byte_in_a_seal_is_found_and_stops_publication(demo_story: Demo) -> None:
    for name, answer in demo_story.flipped.items():
        assert answer.status == 1, f"{name}: {answer}"
        assert "The chain of seals is broken" in answer.last_line, f"{name}: {answer}"
        assert "invoice_lines.parquet" in answer.last_line
    assert demo_story.exports_flipped == demo_story.exports_closed
    assert demo_story.contents_flipped == demo_story.contents_closed
    assert demo_story.mended is not None
    assert demo_story.mended.status == 0, str(demo_story.mended)


def test_verify_knows_the_head_that_was_noted(demo_story: Demo) -> None:
    home: Home = demo_story.home
    noted = (home.folder / "sealed" / "HEAD").read_text().split()[1]
    assert home.run("verify", "--head", noted).status == 0
    answer = home.run("verify", "--head", "0" * 64)
    assert answer.status == 1
    assert "not the chain you noted" in answer.last_line
