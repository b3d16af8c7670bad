"""Books of one month on hand-made rows: three accounts that share nothing, one of them with an awkward id and name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from orchestration.books import Books

PERIOD = date(2026, 4, 1)
RUN = {
    "head_period": "2026-03",
    "head_hash": "ab" * 32,
    "as_of": "2026-04-20T12:00:00Z",
    "tzdata_version": "2026.6",
    "code_version": "cd" * 32,
    "draft_digest": "ef" * 32,
}
# Words of one account that no other may show: ids, names, sites, conversations, orders.
WORDS = {
    "acme": ["acme", "Acme Outfitters", "acme-2026", "acme-site", "PO-ACME", "conv-acme"],
    "../Béta & <b>": ["../Béta", "Béta & <b>Söhne", "beta-2026", "beta-site", "PO-BETA", "conv-beta"],
    "gamma": ["gamma", "=Gamma(1)", "gamma-2025", "gamma-2026", "gamma-site", "PO-GAMMA", "conv-gamma"],
}

TABLES = """
create table books.accounts as from (values
    ('acme', 'Acme Outfitters', 'USD'), ('../Béta & <b>', 'Béta & <b>Söhne', 'JPY'), ('gamma', '=Gamma(1)', 'EUR')
) as t (account_id, account_name, currency_code);
create table books.currencies as from (values ('USD', 2), ('EUR', 2), ('JPY', 0)) as t (currency_code, minor_units);
create table books.meters as from (values
    ('dar', 'DAR', 'Daily Active Relationships'), ('listening', 'listened DAR', 'Listened DARs'),
    ('subscription', 'contract', 'The contract itself')
) as t (meter, unit, description);
create table books.rate_plans as from (values ('starter', 'Starter')) as t (rate_plan_id, rate_plan_name);
create table books.contracts as from (values
    ('acme-2026', 'acme', 'starter'), ('beta-2026', '../Béta & <b>', 'starter'), ('gamma-2026', 'gamma', 'starter'),
    ('gamma-2025', 'gamma', 'starter')
) as t (contract_id, account_id, rate_plan_id);
create table books.invoices as
select * replace (amount::decimal(18, 4) as amount, issue_date::date as issue_date, due_date::date as due_date) from (
values
    ('acme-2026:2026-04', 'invoice', null, 'acme', 'acme-2026', date '2026-04-01', null, null, date '2026-04-01',
        date '2026-05-01', 'PO-ACME', 3, 87.48, 'USD', 'draft'),
    ('beta-2026:2026-04', 'credit_note', null, '../Béta & <b>', 'beta-2026', date '2026-04-01', null, null,
        date '2026-04-01', date '2026-05-01', 'PO-BETA', 1, -1500, 'JPY', 'draft'),
    ('gamma-2025:2026-04', 'statement', null, 'gamma', 'gamma-2025', date '2026-04-01', null, null, date '2026-04-01',
        date '2026-04-11', 'PO-GAMMA', 1, 0, 'EUR', 'draft'),
    ('gamma-2026:2026-04', 'invoice', null, 'gamma', 'gamma-2026', date '2026-04-01', null, null, date '2026-04-11',
        date '2026-05-01', 'PO-GAMMA', 1, 12.5, 'EUR', 'held')
) as t (
    invoice_id, document_type, document_number, account_id, contract_id, billing_period, issue_date, due_date,
    service_from, service_to, purchase_order, lines, amount, currency_code, status
);
create table books.invoice_lines (
    invoice_line_id varchar, invoice_id varchar, account_id varchar, contract_id varchar, billing_period date,
    usage_period date, usage_from date, usage_to date, line_kind varchar, charge_id varchar, meter varchar,
    charge_model varchar, description varchar, quantity decimal(18, 6), included_quantity decimal(18, 6),
    billable_quantity decimal(18, 6), block_size decimal(18, 6), rounding varchar, blocks decimal(18, 6),
    credits decimal(18, 6), unit_price decimal(24, 9), price_basis varchar, amount decimal(18, 4),
    currency_code varchar, billed_before_quantity decimal(18, 6), billed_before_amount decimal(18, 4),
    reasons varchar, status varchar
);
insert into books.invoice_lines by name select
    contract || ':' || charge as invoice_line_id, contract || ':2026-04' as invoice_id, account as account_id,
    contract as contract_id, date '2026-04-01' as billing_period,
    if(kind = 'adjustment', date '2026-03-01', date '2026-04-01') as usage_period, usage_period as usage_from,
    (usage_period + interval 1 month)::date as usage_to, kind as line_kind, charge as charge_id, meter,
    model as charge_model, description, quantity, included as included_quantity, billable as billable_quantity,
    block as block_size, price as unit_price, basis as price_basis, amount, currency as currency_code,
    before as billed_before_quantity, before_amount as billed_before_amount, reasons, status, credits
from (values
    ('acme', 'acme-2026', 'overage', 'charge', 'dar', 'package', '=DAR overage', 2150, 2000, 150, 100, 39.00,
        'stated', 78.00, 'USD', null, null, null, 'draft', 2),
    ('acme', 'acme-2026', 'listening', 'charge', 'listening', 'standard', 'Listening', 40, 0, 40, 1, 0.078, 'derived',
        3.12, 'USD', null, null, null, 'draft', 8),
    ('acme', 'acme-2026', 'overage:before', 'adjustment', 'dar', 'package', 'Adjustment', 3, null, null, null, null,
        'stated', 6.36, 'USD', 2000, 0, 'late_usage,conflict', 'draft', null),
    ('../Béta & <b>', 'beta-2026', 'credit', 'credit', null, null, 'Goodwill', null, null, null, null, null, null,
        -1500, 'JPY', null, null, 'goodwill', 'draft', null),
    ('gamma', 'gamma-2025', 'dar', 'charge', 'dar', 'graduated', 'Relationships', 0, 0, 0, null, null, 'negotiated', 0,
        'EUR', null, null, null, 'draft', null),
    ('gamma', 'gamma-2026', 'dar', 'charge', 'dar', 'graduated', 'Relationships', 25, 0, 25, null, null, 'negotiated',
        12.5, 'EUR', null, null, null, 'held', null)
) as t (
    account, contract, charge, kind, meter, model, description, quantity, included, billable, block, price, basis,
    amount, currency, before, before_amount, reasons, status, credits
);
create table books.invoice_line_tiers as
select 'gamma-2026:dar' as invoice_line_id, 0::decimal(18, 6) as tier_from, null::decimal(18, 6) as tier_to,
    25::decimal(18, 6) as quantity, 0.5::decimal(24, 9) as unit_price, 0::decimal(24, 9) as flat_price,
    12.5::decimal(38, 15) as amount;
create table books.invoice_line_sites as
select invoice_line_id, replace(account_id, '../Béta & <b>', 'beta') || '-site' as site_id, quantity, amount
from books.invoice_lines;
create table books.daily_usage as
select site_id, contract_id, meter, activity_date, quantity::decimal(18, 6) as quantity from (values
    ('acme-site', 'acme-2026', 'dar', date '2026-04-01', 2000),
    ('acme-site', 'acme-2026', 'dar', date '2026-04-02', 150),
    ('acme-site', 'acme-2026', 'listening', date '2026-04-02', 40),
    ('gamma-site', 'gamma-2026', 'dar', date '2026-04-12', 25)
) as t (site_id, contract_id, meter, activity_date, quantity);
create table books.daily_active_relationships as
select
    site || '-site' as site_id, 'person-' || number as relationship_id, day as activity_date, composition,
    'conv-' || site as evidence_conversation_id, start || 'ms::' || number as evidence_message_id,
    contract as contract_id, account as account_id
from (values
    ('acme', 'acme-2026', 'acme', date '2026-04-01', 'human_consumer', '', 2000),
    ('acme', 'acme-2026', 'acme', date '2026-04-02', 'bot_consumer', '=', 150),
    ('gamma', 'gamma-2026', 'gamma', date '2026-04-12', 'consumer_only', '"a,b', 25)
) as t (account, contract, site, day, composition, start, count), lateral (from range(1, count + 1) as r (number));
create table books.usage_to_date as
select * replace (
    quantity::decimal(18, 6) as quantity, included_quantity::decimal(18, 6) as included_quantity,
    used_fraction::decimal(18, 6) as used_fraction, projected_quantity::decimal(18, 6) as projected_quantity,
    projected_amount::decimal(18, 4) as projected_amount
) from (values
    ('acme-2026', 'dar', date '2026-04-01', timestamptz '2026-04-19 10:00:00+00', 2150, 2000, 1.075, 3225, 507, 'over'),
    ('gamma-2026', 'dar', date '2026-04-01', timestamptz '2026-04-19 10:00:00+00', 25, 0, null, 38, 19, 'ok')
) as t (
    contract_id, meter, period, as_of, quantity, included_quantity, used_fraction, projected_quantity,
    projected_amount, alert_level
);
create table books.platform_users as from (values
    ('acme-2026', date '2026-04-01', 12, 7, 10, true), ('gamma-2026', date '2026-04-01', 3, 3, null, false)
) as t (contract_id, period, provisioned_users, active_users, user_limit, is_breach);
create table books.reconciliation as
select * replace (
    left_total::decimal(38, 6) as left_total, right_total::decimal(38, 6) as right_total,
    difference::decimal(38, 6) as difference
) from (values
    (date '2026-04-01', 'dar_metered_and_billed', 2175, 2175, 0)
) as t (period, check_name, left_total, right_total, difference);
create table books.unrated_usage as
select 'gamma-site' as site_id, 'listening' as meter, date '2026-04-12' as activity_date, 'no_term' as reason,
    'gamma-2026' as contract_id, 4::decimal(18, 6) as quantity;
create table books.service_levels as
select * replace (percent::decimal(9, 6) as percent) from (values
    ('acme', '1', 'response', date '2026-04-01', 4, 2, 1, 0, 1, 0, 0.666667),
    ('gamma', '2', 'rca', date '2026-04-01', 1, 0, 0, 1, 0, 0, null)
) as t (account_id, severity, kind, due_month, promises, met, missed, open, excused, not_covered, percent);
create table books.held_contracts as
select 'gamma-2026' as contract_id, 'unrated_usage' as check_name, 4::decimal(18, 6) as quantity;
"""


@contextmanager
def sample_books(status: str = "draft", changes: str = "") -> Iterator[Books]:
    """The books above after some changes in SQL."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("attach ':memory:' as books")
        connection.execute("use books")
        for statement in [*TABLES.split(";\n"), *changes.split(";\n")]:
            if statement.strip():
                connection.execute(statement.replace("books.", "books.main."))
        yield Books(connection, PERIOD, status, {"period": PERIOD, "status": status, **RUN})
