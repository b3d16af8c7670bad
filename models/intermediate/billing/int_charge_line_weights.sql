{# SPEC P1: a line is allocated to the contract's sites by usage: here each site's weight in each line. #}
with lines as (
    select * from {{ ref('int_charge_lines') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
    where contract_id is not null
),

usage as (
    select
        site_id,
        contract_id,
        meter,
        period,
        activity_date,
        sum(quantity) as quantity
    from {{ ref('int_rateable_usage') }}
    where unrated_reason is null
        and contract_id is not null
        and is_channel_mapped
    group by all
),

users as (
    select * from {{ ref('int_platform_users') }}
),

user_days as (
    select * from {{ ref('int_platform_user_days') }}
),

stretches as (
    select distinct
        contract_id,
        period,
        part_from,
        part_to
    from lines
),

-- A contract's sites are those it has on a date of the line.
stretch_sites as (
    select distinct
        stretches.contract_id,
        stretches.period,
        stretches.part_from,
        stretches.part_to,
        site_days.site_id
    from stretches
    inner join site_days
        on stretches.contract_id = site_days.contract_id
        and stretches.period = site_days.period
        and site_days.site_date >= stretches.part_from
        and site_days.site_date < stretches.part_to
),

stretch_usage as (
    select
        stretches.contract_id,
        stretches.period,
        stretches.part_from,
        stretches.part_to,
        usage.meter,
        usage.site_id,
        sum(usage.quantity) as quantity
    from stretches
    inner join usage
        on stretches.contract_id = usage.contract_id
        and stretches.period = usage.period
        and usage.activity_date >= stretches.part_from
        and usage.activity_date < stretches.part_to
    group by all
),

-- Platform users weigh by each site's share of the peak.
peak_users as (
    select
        users.contract_id,
        users.period,
        'platform_user' as meter,
        user_days.site_id,
        user_days.users as quantity
    from users
    inner join site_days
        on users.contract_id = site_days.contract_id
        and users.peak_date = site_days.site_date
    inner join user_days
        on site_days.site_id = user_days.site_id
        and site_days.site_date = user_days.site_date
),

weighed as (
    select
        lines.invoice_line_id,
        lines.contract_id,
        lines.charge_id,
        lines.period,
        stretch_sites.site_id,
        lines.minor_units,
        {{ scaled('lines.quantity', 6) }} as quantity_whole,
        {{ scaled('lines.amount', 4) }} // {{ power_of_ten('4 - lines.minor_units') }} as amount_minor,
        {{ scaled('coalesce(case when lines.meter = \'platform_user\' then peak_users.quantity else stretch_usage.quantity end, 0)', 6) }} as weight
    from lines
    inner join stretch_sites
        on lines.contract_id = stretch_sites.contract_id
        and lines.period = stretch_sites.period
        and lines.part_from = stretch_sites.part_from
        and lines.part_to = stretch_sites.part_to
    left join stretch_usage
        on lines.contract_id = stretch_usage.contract_id
        and lines.period = stretch_usage.period
        and lines.part_from = stretch_usage.part_from
        and lines.part_to = stretch_usage.part_to
        and lines.meter = stretch_usage.meter
        and stretch_sites.site_id = stretch_usage.site_id
    left join peak_users
        on lines.contract_id = peak_users.contract_id
        and lines.meter = peak_users.meter
        and lines.period = peak_users.period
        and stretch_sites.site_id = peak_users.site_id
)

select * from weighed
