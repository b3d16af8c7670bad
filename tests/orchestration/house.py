"""A small house for these tests: a home, a project with its own suites and policy, marts with a few rows."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.state import BUILT, set_stage, write_run_settings
from orchestration.suites import PublishedTable
from orchestration.versions import file_sha256

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
# What the books of a draft ask of the warehouse besides; nothing of it has a row here.
BESIDES = """
create schema if not exists intermediate;
create schema if not exists policy;
create schema if not exists reference;
create or replace table usage.fct_daily_active_relationships (
    site_id varchar, relationship_id varchar, activity_date date
);
create or replace table usage.fct_daily_usage (
    site_id varchar, contract_id varchar, meter varchar, activity_date date, quantity decimal(18, 6)
);
create or replace table usage.fct_platform_users (contract_id varchar, period date);
create schema if not exists support;
create or replace table support.fct_service_levels (
    account_id varchar, severity varchar, kind varchar, due_month date, promises bigint, met bigint, missed bigint,
    open bigint, excused bigint, not_covered bigint, percent decimal(9, 6)
);
create or replace table reference.dim_site_days (
    site_id varchar, site_date date, contract_id varchar, account_id varchar
);
create or replace table quality.fct_reconciliation (period date, check_name varchar);
create or replace table billing.fct_unrated_usage (
    site_id varchar, meter varchar, activity_date date, quantity decimal(18, 6), reason varchar
);
create or replace table intermediate.int_contract_holds (
    contract_id varchar, check_name varchar, billing_period date, quantity decimal(18, 6), is_held boolean
);
create or replace table intermediate.int_contract_periods (
    period date, contract_id varchar, account_id varchar, rate_plan_id varchar, starts_on date, ends_on date,
    functions_over_cap varchar, purchase_order varchar, payment_terms_days integer
);
create or replace table policy.rate_plans (
    rate_plan_id varchar, rate_plan_name varchar, currency_code varchar, platform_user_limit integer,
    listening_grain varchar, stub_allowance varchar
);
create or replace table policy.currencies (currency_code varchar, minor_units integer);
create or replace table policy.meters (meter varchar, unit varchar, description varchar);
create or replace table policy.gl_accounts (
    posting varchar, meter varchar, gl_account varchar, gl_account_name varchar
);
create or replace table policy.issuers (
    entity varchar, issuer_name varchar, provider_name varchar, publisher_name varchar, service_category varchar,
    service_subcategory varchar, service_name varchar
);
create or replace table billing.fct_invoice_line_terms (invoice_line_id varchar, part_number integer);
"""
# The same of the closed month, as its seal keeps it.
SEALED = {
    "invoice_lines": "select * exclude (status) from billing.fct_invoice_lines where invoice_line_id = 'line-0'",
    "invoice_line_tiers": "from billing.fct_invoice_line_tiers limit 0",
    "invoice_line_sites": "from billing.fct_invoice_line_sites where invoice_line_id = 'line-0'",
    "invoices": "select * exclude (status) from billing.fct_invoices where invoice_id = 'inv-0'",
    "usage_to_date": "from billing.fct_usage_to_date limit 0",
    "daily_usage": "select *, true as is_channel_mapped from usage.fct_daily_usage",
    "daily_active_relationships": (
        "select *, null::varchar as contract_id, null::varchar as account_id from usage.fct_daily_active_relationships"
    ),
    "platform_users": "from usage.fct_platform_users",
    "reconciliation": "from quality.fct_reconciliation",
    "unrated_usage": "from billing.fct_unrated_usage",
    "service_levels": "from support.fct_service_levels",
    "held_contracts": "select contract_id, check_name, quantity from intermediate.int_contract_holds",
    "accounts": "select account_id, account_name, currency_code from raw.accounts",
    "sites": "select * from raw.sites",
    "rate_plans": "from policy.rate_plans",
    "currencies": "from policy.currencies",
    "contracts": "select period as usage_period, * exclude (period) from intermediate.int_contract_periods",
    "policy_meters": "from policy.meters",
    "policy_gl_accounts": "from policy.gl_accounts",
    "policy_issuers": "from policy.issuers",
    "invoice_line_terms": "from billing.fct_invoice_line_terms",
}
KEYS = {
    "fct_invoice_lines": ("invoice_line_id",),
    "fct_invoice_line_tiers": ("invoice_line_id", "tier_from"),
    "fct_invoice_line_sites": ("invoice_line_id", "site_id"),
    "fct_invoice_line_terms": ("invoice_line_id", "part_number"),
    "fct_invoices": ("invoice_id",),
    "fct_periods": ("period",),
    "fct_usage_to_date": ("contract_id", "meter"),
    "fct_daily_active_relationships": ("site_id", "relationship_id", "activity_date"),
    "fct_daily_usage": ("site_id", "contract_id", "meter", "activity_date"),
    "fct_platform_users": ("contract_id", "period"),
    "dim_site_days": ("site_id", "site_date"),
    "fct_reconciliation": ("period", "check_name"),
    "fct_unrated_usage": ("site_id", "meter", "activity_date", "reason"),
    "fct_service_levels": ("account_id", "severity", "kind", "due_month"),
}


def make_project(folder: Path) -> Path:
    """A project root with the policy rows and suites of ours, to be changed at will."""
    root = folder / "project"
    shutil.copytree(PROJECT_ROOT / "seeds", root / "seeds")
    shutil.copytree(PROJECT_ROOT / "expectations", root / "expectations")
    macros = root / "orchestration" / "published_macros"
    macros.mkdir(parents=True)
    (macros / "lines_of.sql").write_text(
        "-- lines_of(id)\n-- The lines of an invoice.\n"
        "select *, amount::decimal(28, 6) as exact from billing.fct_invoice_lines where invoice_id = id\n"
    )
    return root


def make_settings(folder: Path) -> Settings:
    """A home and project of a test's own."""
    return Settings(home=folder / "home", as_of=AS_OF, project_root=make_project(folder))


def build_marts(settings: Settings, period: date = PERIOD, run_id: str = "run") -> None:
    """Write the marts as a run would have built them."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with connect(settings) as connection:
        connection.execute(MARTS)
        connection.execute(BESIDES)
        write_run_settings(connection, settings, period, "2026.6")
        set_stage(connection, BUILT, run_id)


def seal_march(settings: Settings) -> str:
    """A seal of the closed month with the rows that the marts have now; its hash."""
    folder = settings.sealed / "2026-03"
    folder.mkdir(parents=True)
    files = {}
    with connect(settings) as connection:
        for name, rows in SEALED.items():
            path = folder / f"{name}.parquet"
            connection.execute(f"copy ({rows}) to '{path}' (format parquet)")
            files[path.name] = {"sha256": file_sha256(path)}
    content = {
        "period": "2026-03", "previous_hash": None, "files": files, "as_of": "2026-04-05T12:00:00Z",
        "inputs": {"files": 0, "sha256": "00"}, "versions": {"code": "11", "policy": {}, "tzdata": "2026.6"},
    }  # fmt: skip
    (folder / "seal.json").write_text(json.dumps(content), encoding="utf-8")
    seal_hash = file_sha256(folder / "seal.json")
    (settings.sealed / "HEAD").write_text(f"2026-03 {seal_hash}\n", encoding="utf-8")
    return seal_hash


def change(settings: Settings, sql: str) -> None:
    """Change the warehouse."""
    with connect(settings) as connection:
        connection.execute(sql)


def published(settings: Settings, has_besides: bool = False) -> list[PublishedTable]:
    """The marts as dbt's manifest would describe them; `has_besides`: with what the books ask for."""
    with connect(settings) as connection:
        columns: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns() order by column_index"
        ).fetchall():
            if table in KEYS and ((schema == "billing" and table != "fct_unrated_usage") or has_besides):
                columns.setdefault((schema, table), {})[column] = f"What {column} is: it's 'quoted'."
    return [
        PublishedTable(schema, name, KEYS[name], f"One row per {name}.", columns[schema, name])
        for schema, name in sorted(columns)
    ]


def query(path: Path, sql: str) -> list[tuple]:
    """Rows of a DuckDB file as a reader gets them."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()
