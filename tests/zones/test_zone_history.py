"""A site's zone history is data that is corrected later: open dates are rebuilt, sealed ones adjusted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from oracle.build import conversation, invocation, message, site, write_lines, write_reference
from zone_oracle import instant, milliseconds
from zone_project import Project, load, run_dbt, table_rows

from orchestration import sealing
from orchestration.settings import Settings, connect

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
AS_OF = datetime(2026, 12, 20, tzinfo=UTC)
BERLIN = [site("s1", "A", "Europe/Berlin", at="2020-01-01T00:00:00Z")]
# What the first file did not know: the site was in New York from 2026-10-20 on. Berlin is 6 h ahead of it until
# 2026-10-25T01:00Z, 5 h until 2026-11-01T06:00Z.
CORRECTED = [*BERLIN, site("s1", "A", "America/New_York", at="2026-10-20T12:00:00Z")]
# Instants (UTC) of consumer k<n>'s messages with the dates by Berlin's and by the corrected clocks.
MESSAGES = {
    "2026-10-20 11:59:59.999": ("2026-10-20", "2026-10-20"),
    "2026-10-21 02:00": ("2026-10-21", "2026-10-20"),
    "2026-10-22 23:00": ("2026-10-23", "2026-10-22"),
    "2026-10-31 22:59:59.999": ("2026-10-31", "2026-10-31"),
    "2026-10-31 23:00": ("2026-11-01", "2026-10-31"),
    "2026-11-01 03:59:59.999": ("2026-11-01", "2026-10-31"),
    "2026-11-01 04:00": ("2026-11-01", "2026-11-01"),
    "2026-11-15 12:00": ("2026-11-15", "2026-11-15"),
}
# By Berlin, October has 4 of these relationships' days and November 4; corrected, 6 and 2.
USAGE = ("usage.fct_daily_active_relationships", "usage.fct_listening_credits", "usage.fct_function_invocations",
         "usage.fct_cobrowse_sessions", "usage.fct_daily_usage", "reference.dim_site_days",
         "reference.dim_sites")  # fmt: skip


def write_landing(settings: Settings, sites: list[dict[str, str]]) -> None:
    """Account A, contract c1, the given rows of site s1, and the messages with a session and an invocation each."""
    write_reference(
        settings.landing,
        accounts=[{"account_id": "A", "account_name": "Acme", "currency_code": "USD"}],
        sites=sites,
        contracts=[
            {
                "contract_id": "c1",
                "account_id": "A",
                "rate_plan_id": "starter",
                "starts_on": "2026-10-01",
                "functions_over_cap": "charge",
            }
        ],
    )
    records, calls = [], []
    for number, text in enumerate(MESSAGES):
        at = milliseconds(instant(text))
        session = {"sessionId": f"session {number}", "startTimeL": at, "interactiveTimeL": at, "isInteractive": True}
        records.append(
            conversation(
                f"c{number}", [message("m", at, who=f"k{number}")], consumers=[f"k{number}"], sessions=[session]
            )
        )
        calls.append(invocation(f"i{number}", at))
    write_lines(settings.landing, "messaging_interactions/all.jsonl", records)
    write_lines(settings.landing, "function_invocations/all.jsonl", calls)


def dates(connection: object) -> dict[str, str]:
    """Date by message, as text."""
    rows = connection.execute(  # type: ignore[attr-defined]
        "select epoch_ms(first_message_at), cast(activity_date as varchar) from usage.fct_daily_active_relationships"
    ).fetchall()
    return {text: dict(rows)[milliseconds(instant(text))] for text in MESSAGES}


@pytest.fixture(scope="module")
def make_home(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, list[dict[str, str]]], Settings]:
    """A home with the messages and one sites.csv, not run yet."""

    def make(name: str, sites: list[dict[str, str]]) -> Settings:
        settings = Settings(home=tmp_path_factory.mktemp(name), as_of=AS_OF)
        write_landing(settings, sites)
        with project.open(settings.home):
            pass
        return settings

    return make


def run(settings: Settings, period: date) -> None:
    """One run up to the marts, by dbt itself: what it keeps from the run before is under test."""
    with connect(settings) as connection:
        load(connection, settings, period)
    run_dbt(settings)


@pytest.fixture(scope="module")
def from_the_start(
    project: Project, make_home: Callable[[str, list[dict[str, str]]], Settings]
) -> dict[str, list[tuple]]:
    """What the tables of usage are where the corrected file was there from the start."""
    settings = make_home("corrected", CORRECTED)
    with project.open(settings.home) as connection:
        load(connection, settings, NOVEMBER)
        project.build(connection)
        assert dates(connection) == {text: day for text, (_, day) in MESSAGES.items()}
        return {table: table_rows(connection, table) for table in USAGE}


def test_a_corrected_history_rebuilds_what_is_open_and_adjusts_what_is_sealed(
    make_home: Callable[[str, list[dict[str, str]]], Settings], from_the_start: dict[str, list[tuple]]
) -> None:
    settings = make_home("history", BERLIN)
    run(settings, OCTOBER)
    with connect(settings) as connection:
        assert dates(connection) == {text: day for text, (day, _) in MESSAGES.items()}
        sealing.seal_period(connection, settings, OCTOBER, "test", "run-1", lambda _: None)
    seal = (settings.sealed / "2026-10" / "seal.json").read_bytes()

    # The same files again: nothing to adjust.
    run(settings, NOVEMBER)
    with connect(settings) as connection:
        assert adjustments(connection) == {}

    # A later file (sites_2.csv sorts after sites.csv; sites-2.csv would not) dates the move back into the sealed month.
    write_reference(settings.landing, version="_2", sites=CORRECTED)
    run(settings, NOVEMBER)
    with connect(settings) as connection:
        for table, rows in from_the_start.items():
            assert table_rows(connection, table) == rows, table
        # Two relationships, listened conversations, sessions and invocations each moved from November to October.
        assert adjustments(connection) == {
            "starter_channel_credits": (2, "0.00", "zone_history"),
            "starter_cobrowse": (2, "0.78", "zone_history"),
            "starter_dar_overage": (2, "0.00", "zone_history"),
            "starter_functions": (2, "0.00", "zone_history"),
            "starter_listening": (2, "0.16", "zone_history"),  # 6 x 0.078 = 0.47, billed 4 x 0.078 = 0.31
        }
        charged = connection.execute(
            "select charge_id, cast(quantity as integer) from billing.fct_invoice_lines "
            "where billing_period = ? and line_kind = 'charge' order by charge_id",
            [NOVEMBER],
        ).fetchall()
        assert {quantity for _, quantity in charged} == {2}
        off = [row for row in table_rows(connection, "quality.fct_reconciliation") if row[-1] != 0]
        assert off == []
    assert (settings.sealed / "2026-10" / "seal.json").read_bytes() == seal

    # Taken back again: so are the adjustments.
    (settings.landing / "reference" / "sites_2.csv").unlink()
    run(settings, NOVEMBER)
    with connect(settings) as connection:
        assert dates(connection) == {text: day for text, (day, _) in MESSAGES.items()}
        assert adjustments(connection) == {}


def adjustments(connection: object) -> dict[str, tuple[int, str, str]]:
    """Adjustment lines of October in November's draft: charge -> quantity, amount, reasons."""
    rows = connection.execute(  # type: ignore[attr-defined]
        "select charge_id, quantity, amount, reasons from billing.fct_invoice_lines "
        "where line_kind = 'adjustment' and usage_period = ? and billing_period = ?",
        [OCTOBER, NOVEMBER],
    ).fetchall()
    return {
        charge: (int(quantity), str(amount.quantize(Decimal("0.01"))), reasons)
        for charge, quantity, amount, reasons in rows
    }


def test_a_change_takes_effect_at_its_instant(
    project: Project, make_home: Callable[[str, list[dict[str, str]]], Settings]
) -> None:
    """To the millisecond: the message before the row's instant is dated by the old zone, the one at it by the new."""
    settings = make_home("instant", [*BERLIN, site("s1", "A", "Pacific/Auckland", at="2026-10-31T22:59:59.999Z")])
    with project.open(settings.home) as connection:
        load(connection, settings, NOVEMBER)
        project.build(connection)
        found = dates(connection)
    assert found["2026-10-22 23:00"] == "2026-10-23"
    assert found["2026-10-31 22:59:59.999"] == "2026-11-01"
    later = replace(settings, home=Path(f"{settings.home}-later"))
    write_landing(later, [*BERLIN, site("s1", "A", "Pacific/Auckland", at="2026-10-31T23:00:00Z")])
    with project.open(later.home) as connection:
        load(connection, later, NOVEMBER)
        project.build(connection)
        found = dates(connection)
    assert found["2026-10-31 22:59:59.999"] == "2026-10-31"
    assert found["2026-10-31 23:00"] == "2026-11-01"


def test_a_row_that_moves_a_site_between_instants_of_one_date_counts_its_relationship_once(
    project: Project, make_home: Callable[[str, list[dict[str, str]]], Settings]
) -> None:
    """Listening switched off in mid-day, without any change of zone: only what was sent before is listened."""
    settings = make_home("listening", [*BERLIN, site("s1", "A", "Europe/Berlin", False, "2026-10-31T23:30:00Z")])
    with project.open(settings.home) as connection:
        load(connection, settings, NOVEMBER)
        project.build(connection)
        found = connection.execute("select conversation_id from usage.fct_listening_credits order by 1").fetchall()
        assert dates(connection) == {text: day for text, (day, _) in MESSAGES.items()}
    assert [row[0] for row in found] == ["c0", "c1", "c2", "c3", "c4"]
