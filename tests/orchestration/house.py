"""A small house for these tests: a home, a project with its own suites and policy, marts with a few rows."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.state import BUILT, set_stage, write_run_settings
from orchestration.suites import PublishedTable

PERIOD = date(2026, 4, 1)
AS_OF = datetime(2026, 4, 20, 12, tzinfo=UTC)

MARTS = """
create schema if not exists billing;
create schema if not exists quality;
create schema if not exists usage;
create or replace table billing.fct_invoice_lines as
select * replace (quantity::decimal(18, 6) as quantity, amount::decimal(18, 4) as amount) from (values
    ('line-2', 'inv-1', date '2026-04-01', 'dar', 7, 39.00, 'USD', 'draft', '=1+1'),
    ('line-1', 'inv-1', date '2026-04-01', 'dar', 3, 0.78, 'USD', 'draft', 'Café "x"'),
    ('line-3', 'inv-2', date '2026-04-01', 'dar', 9, 500.00, 'JPY', 'held', E'a\\r\\nb'),
    ('line-0', 'inv-0', date '2026-03-01', 'dar', 1, 5.00, 'USD', 'final', '-7')
) as lines (
    invoice_line_id, invoice_id, billing_period, meter, quantity, amount, currency_code, status, description
);
create or replace table billing.fct_invoice_line_tiers (
    invoice_line_id varchar, tier_from decimal(18, 6), amount decimal(38, 12)
);
insert into billing.fct_invoice_line_tiers values ('line-1', 0, 0);
create or replace table billing.fct_invoice_line_sites as
select invoice_line_id, 'site-1' as site_id, amount from billing.fct_invoice_lines;
create or replace table billing.fct_invoices as
select
    invoice_id, billing_period, count(*) as lines, sum(amount)::decimal(18, 4) as amount, currency_code,
    any_value(status) as status, 'contract' as contract_id, 'account' as account_id, 'invoice' as document_type,
    null::varchar as document_number
from billing.fct_invoice_lines group by all;
create or replace table billing.fct_periods as
select date '2026-03-01' as period, 'closed' as state union all select date '2026-04-01', 'draft';
create or replace table billing.fct_usage_to_date as
select 'contract' as contract_id, 'dar' as meter, date '2026-04-01' as period, 'over' as alert_level,
    timestamptz '2026-04-19 10:00:00.5+00' as as_of;
"""
KEYS = {
    "fct_invoice_lines": ("invoice_line_id",),
    "fct_invoice_line_tiers": ("invoice_line_id", "tier_from"),
    "fct_invoice_line_sites": ("invoice_line_id", "site_id"),
    "fct_invoices": ("invoice_id",),
    "fct_periods": ("period",),
    "fct_usage_to_date": ("contract_id", "meter"),
}


def make_project(folder: Path) -> Path:
    """A project root with the policy rows and suites of ours, to be changed at will."""
    root = folder / "project"
    shutil.copytree(PROJECT_ROOT / "seeds", root / "seeds")
    shutil.copytree(PROJECT_ROOT / "expectations", root / "expectations")
    return root


def make_settings(folder: Path) -> Settings:
    """A home and project of a test's own."""
    return Settings(home=folder / "home", as_of=AS_OF, project_root=make_project(folder))


def build_marts(settings: Settings, period: date = PERIOD, run_id: str = "run") -> None:
    """Write the marts as a run would have built them."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with connect(settings) as connection:
        connection.execute(MARTS)
        write_run_settings(connection, settings, period, "2026.6")
        set_stage(connection, BUILT, run_id)


def change(settings: Settings, sql: str) -> None:
    """Change the warehouse."""
    with connect(settings) as connection:
        connection.execute(sql)


def published(settings: Settings) -> list[PublishedTable]:
    """The marts as dbt's manifest would describe them."""
    with connect(settings) as connection:
        columns: dict[str, dict[str, str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'billing' order by column_index"
        ).fetchall():
            columns.setdefault(table, {})[column] = f"What {column} is: it's 'quoted'."
    return [
        PublishedTable("billing", name, KEYS[name], f"One row per {name}.", columns[name]) for name in sorted(columns)
    ]


def query(path: Path, sql: str) -> list[tuple]:
    """Rows of a DuckDB file as a reader gets them."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()
