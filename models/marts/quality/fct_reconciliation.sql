{# SPEC C6, each row a difference that must be zero. #}
with contents as (
    select * from {{ ref('int_files') }}
),

outcomes as (
    select * from {{ ref('int_record_outcomes') }}
),

dars as (
    select * from {{ ref('fct_daily_active_relationships') }}
),

daily_usage as (
    select * from {{ ref('fct_daily_usage') }}
),

rateable as (
    select * from {{ ref('int_rateable_usage') }}
),

unrated as (
    select * from {{ ref('fct_unrated_usage') }}
),

lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

invoices as (
    select * from {{ ref('fct_invoices') }}
),

line_sites as (
    select * from {{ ref('fct_invoice_line_sites') }}
),

parts as (
    select * from {{ ref('int_charge_parts') }}
),

adjustments as (
    select * from {{ ref('int_adjustments') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

-- Records received = counted + not counted + other copies + rejected, over all history.
received as (
    select
        feed,
        sum(records) as received
    from contents
    group by feed
),

accounted as (
    select
        feed,
        sum(records) as accounted
    from outcomes
    group by feed
),

records as (
    select
        cast(null as date) as period,
        'records_received:' || coalesce(received.feed, accounted.feed) as check_name,
        coalesce(received.received, 0) as left_total,
        coalesce(accounted.accounted, 0) as right_total
    from received
    full outer join accounted
        on received.feed = accounted.feed
),

-- Counted messages = the messages of the DARs.
counted_messages as (
    select
        {{ period_of('activity_date') }} as period,
        sum(records) as messages
    from outcomes
    where record_kind = 'message'
        and outcome = 'counted'
    group by all
),

dar_messages as (
    select
        {{ period_of('activity_date') }} as period,
        sum(consumer_messages + human_messages + bot_messages) as messages
    from dars
    group by all
),

messages as (
    select
        coalesce(counted_messages.period, dar_messages.period) as period,
        'messages_counted' as check_name,
        coalesce(counted_messages.messages, 0) as left_total,
        coalesce(dar_messages.messages, 0) as right_total
    from counted_messages
    full outer join dar_messages
        on counted_messages.period = dar_messages.period
),

-- Metered usage = billed + unrated + before the first billed period. A date that several charges of its
-- meter price stands on several lines, one that only flat charges price on none.
metered as (
    select
        {{ period_of('activity_date') }} as period,
        meter,
        sum(quantity) as quantity
    from daily_usage
    group by all
),

before_first_billed as (
    select period, meter, sum(quantity) as quantity
    from rateable
    where is_before_first_billed
    group by all
),

pricings as (
    select
        rateable.period,
        rateable.meter,
        rateable.contract_id,
        rateable.activity_date,
        rateable.quantity,
        rateable.site_id,
        count(parts.charge_id) as charges
    from rateable
    left join parts
        on rateable.contract_id = parts.contract_id
        and rateable.period = parts.period
        and rateable.meter = parts.meter
        and rateable.activity_date >= parts.part_from
        and rateable.activity_date < parts.part_to
        and parts.charge_model <> 'flat'
    where rateable.unrated_reason is null
        and not rateable.is_before_first_billed
    group by all
),

priced_twice as (
    select period, meter, sum(quantity * (charges - 1)) as quantity
    from pricings
    group by all
),

billed as (
    select usage_period as period, meter, sum(quantity) as quantity
    from lines
    where charge_model <> 'flat'
    group by all
),

-- Adjustments of these months that billing does not hold here: of a period after the one that was run,
-- sealed already or still to come.
adjusted_later as (
    select usage_period, meter, quantity
    from adjustments
    where not is_shown
        and charge_model <> 'flat'
    union all
    select sealed_lines.usage_period, sealed_lines.meter, sealed_lines.quantity
    from {{ ref('stg_sealed__invoice_lines') }} as sealed_lines
    cross join run
    where sealed_lines.billing_period > run.period
        and sealed_lines.charge_model <> 'flat'
),

awaiting as (
    select usage_period as period, meter, sum(quantity) as quantity
    from adjusted_later
    group by all
),

unrated_totals as (
    select {{ period_of('activity_date') }} as period, meter, sum(quantity) as quantity
    from unrated
    group by all
),

-- What was billed and is metered no more is a difference too. Meters of the period stand in no daily usage.
usage_keys as (
    select period, meter from metered
    union
    select period, meter from billed
    where meter not in ('platform_user', 'subscription')
),

usage as (
    select
        usage_keys.period,
        'metered_usage:' || usage_keys.meter as check_name,
        coalesce(metered.quantity, 0) as left_total,
        coalesce(billed.quantity, 0) + coalesce(awaiting.quantity, 0) - coalesce(priced_twice.quantity, 0)
        + coalesce(unrated_totals.quantity, 0) + coalesce(before_first_billed.quantity, 0) as right_total
    from usage_keys
    left join metered
        on usage_keys.period = metered.period
        and usage_keys.meter = metered.meter
    left join billed
        on usage_keys.period = billed.period
        and usage_keys.meter = billed.meter
    left join awaiting
        on usage_keys.period = awaiting.period
        and usage_keys.meter = awaiting.meter
    left join priced_twice
        on usage_keys.period = priced_twice.period
        and usage_keys.meter = priced_twice.meter
    left join unrated_totals
        on usage_keys.period = unrated_totals.period
        and usage_keys.meter = unrated_totals.meter
    left join before_first_billed
        on usage_keys.period = before_first_billed.period
        and usage_keys.meter = before_first_billed.meter
    cross join run
    where usage_keys.period <= run.period
),

line_totals as (
    select billing_period as period, currency_code, sum(amount) as amount
    from lines
    group by all
),

invoice_totals as (
    select billing_period as period, currency_code, sum(amount) as amount
    from invoices
    group by all
),

invoiced as (
    select
        coalesce(line_totals.period, invoice_totals.period) as period,
        'lines_to_invoices:' || coalesce(line_totals.currency_code, invoice_totals.currency_code) as check_name,
        coalesce(line_totals.amount, 0) as left_total,
        coalesce(invoice_totals.amount, 0) as right_total
    from line_totals
    full outer join invoice_totals
        on line_totals.period = invoice_totals.period
        and line_totals.currency_code = invoice_totals.currency_code
),

share_totals as (
    select invoice_line_id, sum(amount) as amount
    from line_sites
    group by invoice_line_id
),

-- A line on whose dates its contract has no site is shared by nobody (SPEC P1); what is sealed stays as it is.
unshared as (
    select lines.invoice_line_id
    from lines
    where lines.status = 'final'
        or not exists (
            select 1
            from site_days
            where site_days.contract_id = lines.contract_id
                and site_days.period = lines.usage_period
                and site_days.site_date >= coalesce(lines.usage_from, lines.usage_period)
                and (lines.usage_to is null or site_days.site_date < lines.usage_to)
        )
),

shared as (
    select
        lines.billing_period as period,
        'lines_to_sites:' || lines.currency_code as check_name,
        sum(lines.amount) as left_total,
        sum(coalesce(share_totals.amount, case when unshared.invoice_line_id is not null then lines.amount else 0 end)) as right_total
    from lines
    left join share_totals
        on lines.invoice_line_id = share_totals.invoice_line_id
    left join unshared
        on lines.invoice_line_id = unshared.invoice_line_id
    group by all
),

-- Per feed, site and date: what does not balance in any one cell is missing on the right.
balances as (
    select
        {{ period_of('activity_date') }} as period,
        check_name || ':' || feed as check_name,
        sum(left_total) as left_total,
        sum(left_total) - sum(abs(left_total - right_total)) as right_total
    from {{ ref('int_record_balances') }}
    group by all
),

checks as (
    select * from records
    union all
    select * from balances
    union all
    select * from messages
    union all
    select * from usage
    union all
    select * from invoiced
    union all
    select * from shared
)

select
    period,
    check_name,
    cast(left_total as decimal(38, 6)) as left_total,
    cast(right_total as decimal(38, 6)) as right_total,
    cast(left_total - right_total as decimal(38, 6)) as difference
from checks
