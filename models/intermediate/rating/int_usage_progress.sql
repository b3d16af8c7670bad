{# How far the run's period has come, per contract and daily meter: latest counted instant, dates elapsed,
   and the quantity that the whole month comes to at the same pace. #}
with contract_periods as (
    select contract_periods.*
    from {{ ref('int_contract_periods') }} as contract_periods
    inner join {{ ref('stg_run__settings') }} as run
        on contract_periods.period = run.period
),

usage as (
    select
        contract_id,
        period,
        meter,
        cast(sum(quantity) as decimal(18, 6)) as quantity
    from {{ ref('int_rateable_usage') }}
    where unrated_reason is null
        and is_channel_mapped
    group by all
),

metered as (
    select distinct terms_id, rate_plan_id, meter
    from {{ ref('int_charge_terms') }}
    where meter not in ('platform_user', 'subscription')
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
    where contract_id is not null
),

latest as (
    select max(counted_at) as counted_at
    from {{ ref('int_latest_usage') }}
),

elapsed as (
    select
        contract_periods.contract_id,
        contract_periods.period,
        least(latest.counted_at, max(site_days.last_instant_at)) as as_of,
        count(distinct site_days.site_date) filter (where site_days.first_instant_at <= latest.counted_at) as dates_elapsed
    from contract_periods
    inner join site_days
        on contract_periods.contract_id = site_days.contract_id
        and contract_periods.period = site_days.period
    cross join latest
    group by contract_periods.contract_id, contract_periods.period, latest.counted_at
),

progress as (
    select
        contract_periods.contract_id,
        contract_periods.period,
        metered.meter,
        contract_periods.days_in_force,
        elapsed.as_of,
        coalesce(elapsed.dates_elapsed, 0) as dates_elapsed,
        coalesce(usage.quantity, 0) as quantity
    from contract_periods
    inner join metered
        on contract_periods.terms_id = metered.terms_id
        and contract_periods.rate_plan_id = metered.rate_plan_id
    left join elapsed
        on contract_periods.contract_id = elapsed.contract_id
        and contract_periods.period = elapsed.period
    left join usage
        on contract_periods.contract_id = usage.contract_id
        and contract_periods.period = usage.period
        and metered.meter = usage.meter
),

projected as (
    select
        *,
        case
            when dates_elapsed = 0 then quantity
            else {{ unscaled(rounded_quotient(scaled('quantity', 6) ~ ' * days_in_force', 'dates_elapsed'), 6, 18) }}
        end as projected_quantity
    from progress
)

select * from projected
