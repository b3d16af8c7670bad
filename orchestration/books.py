"""The books of one period: everything that its files are made from, in one place (SPEC C1, C4, 7).

A draft's books are what is published; a closed period's are its seal and nothing else, so that files made again later
are the same to the byte whatever has arrived since. Whoever writes a file asks `books.<table>` and need not know which.
What does not belong here: files (exports and its writers), what a seal holds (sealed_rows).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from orchestration.content import literal, quoted
from orchestration.publication import published_file
from orchestration.sealed_rows import SEALED_ROWS
from orchestration.settings import Settings
from orchestration.state import month

DRAFT, FINAL = "draft", "final"
CATALOG = "books"

# The tables of the books that the published file has, with the rows that belong to $period.
OF_THE_PERIOD = {
    "invoice_lines": "select * from published.billing.fct_invoice_lines where billing_period = $period",
    "invoice_line_tiers": """
        select * from published.billing.fct_invoice_line_tiers where invoice_line_id in
        (select invoice_line_id from published.billing.fct_invoice_lines where billing_period = $period)""",
    "invoice_line_sites": """
        select * from published.billing.fct_invoice_line_sites where invoice_line_id in
        (select invoice_line_id from published.billing.fct_invoice_lines where billing_period = $period)""",
    "invoice_line_terms": """
        select * from published.billing.fct_invoice_line_terms where invoice_line_id in
        (select invoice_line_id from published.billing.fct_invoice_lines where billing_period = $period)""",
    "invoices": "select * from published.billing.fct_invoices where billing_period = $period",
    "usage_to_date": "select * from published.billing.fct_usage_to_date where period = $period",
    "daily_usage": """
        select * from published.usage.fct_daily_usage
        where activity_date >= $period and activity_date < $period + interval 1 month""",
    "platform_users": "select * from published.usage.fct_platform_users where period = $period",
    "reconciliation": "select * from published.quality.fct_reconciliation where period = $period",
    "service_levels": "select * from published.support.fct_service_levels where due_month = $period",
    "unrated_usage": """
        select * from published.billing.fct_unrated_usage
        where activity_date >= $period and activity_date < $period + interval 1 month""",
}
# Their columns in a seal that is older than a column of today, or that keeps more.
SEALED_AS = {
    "daily_usage": """
        select site_id, contract_id, meter, activity_date, sum(quantity)::decimal(18, 6) as quantity
        from {seal} where activity_date >= $period and activity_date < $period + interval 1 month group by all""",
    "invoice_lines": "select *, 'final' as status from {seal}",
    "invoices": "select *, 'final' as status from {seal}",
}
# The tables that nobody publishes: as the seal defines them, over the warehouse.
AS_SEALED = ("held_contracts", "accounts", "sites", "rate_plans", "currencies")
# Policy rows that files state: as they are, or as they were at the close.
POLICY = {
    "meters": "meter, unit, description",
    "gl_accounts": "posting, meter, gl_account, gl_account_name",
    "issuers": (
        "entity, issuer_name, provider_name, publisher_name, service_category, service_subcategory, service_name"
    ),
}
# One row per contract and month of usage that the period's lines bill, with the terms that hold.
CONTRACTS = """
    select
        period as usage_period, contract_id, account_id, rate_plan_id, starts_on, ends_on, functions_over_cap,
        purchase_order, payment_terms_days
    from intermediate.int_contract_periods where period = $period order by contract_id"""


@dataclass(frozen=True)
class Books:
    """A connection whose current database holds the tables `books.<name>` of one period, draft or final."""

    connection: duckdb.DuckDBPyConnection
    period: date
    status: str
    run: dict[str, Any]

    def file_name(self, stem: str, suffix: str) -> str:
        """A file's name in the period's folder; a draft says so in it (SPEC 7)."""
        return f"{stem}.{suffix}" if self.status == FINAL else f"{stem}.{DRAFT}.{suffix}"


@contextmanager
def open_books(settings: Settings, period: date, status: str, run: dict[str, Any]) -> Iterator[Books]:
    """The books of a period, from its seal where it is closed. The caller has verified the chain.

    `run` says what the files print of their origin: head_period, head_hash, as_of, tzdata_version, code_version,
    draft_digest; it stands in `books.run` too, one row.
    """
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        settings.temporary.mkdir(parents=True, exist_ok=True)
        connection.execute(f"set temp_directory = {literal(str(settings.temporary))}")
        if settings.memory_limit:
            connection.execute(f"set memory_limit = {literal(settings.memory_limit)}")
        connection.execute(f"attach {literal(str(published_file(settings)))} as published (read_only)")
        connection.execute(f"attach ':memory:' as {CATALOG}")
        if status == FINAL:
            _open_seal(connection, settings.sealed / month(period), period)
        else:
            connection.execute(f"attach {literal(str(settings.warehouse))} as warehouse (read_only)")
            _open_draft(connection, period)
        connection.execute(f"use {CATALOG}")
        row = {"period": period, "status": status, **run}
        columns = ", ".join(f"$value{place} as {quoted(name)}" for place, name in enumerate(row))
        connection.execute(
            f"create table {CATALOG}.run as select {columns}",
            {f"value{place}": value for place, value in enumerate(row.values())},
        )
        yield Books(connection, period, status, row)


def _open_draft(connection: duckdb.DuckDBPyConnection, period: date) -> None:
    connection.execute("use warehouse")
    tables = OF_THE_PERIOD | {name: SEALED_ROWS[name] for name in AS_SEALED} | {"contracts": CONTRACTS}
    for name, query in tables.items():
        connection.execute(f"create table {CATALOG}.{name} as {_dated(query, period)}")
    for name, columns in POLICY.items():
        connection.execute(f"create table {CATALOG}.{name} as select {columns} from policy.{name}")
    # Not copied: there may be tens of millions of them.
    connection.execute(
        _dated(
            f"""
            create view {CATALOG}.daily_active_relationships as
            select dars.*, days.contract_id, days.account_id
            from published.usage.fct_daily_active_relationships as dars
            left join published.reference.dim_site_days as days
                on dars.site_id = days.site_id and dars.activity_date = days.site_date
            where dars.activity_date >= $period and dars.activity_date < $period + interval 1 month
            """,
            period,
        )
    )


def _open_seal(connection: duckdb.DuckDBPyConnection, folder: Path, period: date) -> None:
    for name, query in OF_THE_PERIOD.items():
        seal = f"read_parquet({literal(str(folder / f'{name}.parquet'))})"
        rows = _dated(SEALED_AS.get(name, "select * from {seal}").format(seal=seal), period)
        connection.execute(f"create table {CATALOG}.{name} as {_dated(query, period)} limit 0")
        kept = [column[0] for column in connection.execute(f"from ({rows}) limit 0").description or ()]
        known = [column[0] for column in connection.execute(f"from {CATALOG}.{name} limit 0").description or ()]
        columns = ", ".join(quoted(column) for column in known if column in kept)
        connection.execute(f"insert into {CATALOG}.{name} by name select {columns} from ({rows})")
    for name in (*AS_SEALED, "contracts"):
        seal = f"read_parquet({literal(str(folder / f'{name}.parquet'))})"
        where = _dated(" where usage_period = $period", period) if name == "contracts" else ""
        connection.execute(f"create table {CATALOG}.{name} as from {seal}{where}")
    for name, columns in POLICY.items():
        seal = f"read_parquet({literal(str(folder / f'policy_{name}.parquet'))})"
        connection.execute(f"create table {CATALOG}.{name} as select {columns} from {seal}")
    dars = literal(str(folder / "daily_active_relationships.parquet"))
    connection.execute(f"create view {CATALOG}.daily_active_relationships as from read_parquet({dars})")


def _dated(query: str, period: date) -> str:
    """A query of the seal with its period: `create` takes no parameters."""
    return query.replace("$period", f"date '{period:%Y-%m-%d}'")
