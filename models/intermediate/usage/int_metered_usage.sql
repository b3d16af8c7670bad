{# The waist: everything countable as (site, contract, meter, activity date, quantity). Above it nobody
   knows what a message is, below it nobody knows what a price is. #}
with dars as (
    select * from {{ ref('int_relationship_days') }}
),

channels as (
    select * from {{ ref('int_relationship_day_channels') }}
),

listened as (
    select * from {{ ref('int_listened_conversation_days') }}
),

sessions as (
    select * from {{ ref('int_cobrowse_sessions') }}
),

functions as (
    select * from {{ ref('int_function_days') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

frozen as (
    select * from {{ ref('int_sealed_terms') }}
    where is_frozen
),

sealed_usage as (
    select * from {{ ref('stg_sealed__daily_usage') }}
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

counted as (
    select site_id, 'dar' as meter, activity_date, true as is_channel_mapped, count(*) as quantity
    from dars
    group by all
    union all
    select site_id, 'channel_credit', activity_date, channel is not null, sum(credits)
    from channels
    group by all
    union all
    select site_id, 'listening', activity_date, true, count_if(carries_credit)
    from listened
    group by all
    union all
    select site_id, 'cobrowse_session', activity_date, true, count(*)
    from sessions
    where is_interactive
    group by all
    union all
    select site_id, 'function_invocation', activity_date, true, sum(invocations)
    from functions
    group by all
),

-- Periods older than the adjustment horizon are taken from their seal (SPEC C7).
in_motion as (
    select
        counted.site_id,
        site_days.contract_id,
        counted.meter,
        counted.activity_date,
        counted.is_channel_mapped,
        cast(counted.quantity as decimal(18, 6)) as quantity
    from counted
    left join site_days
        on counted.site_id = site_days.site_id
        and counted.activity_date = site_days.site_date
    where counted.quantity > 0
        and {{ period_of('counted.activity_date') }} not in (select period from frozen)
),

-- The seals that rest on usage of a frozen period: its own, and those that adjusted it.
resting as (
    select distinct
        frozen.period,
        sealed_usage.seal_period
    from sealed_usage
    inner join frozen
        on {{ period_of('sealed_usage.activity_date') }} = frozen.period
),

sealed_contracts as (
    select distinct contract_id
    from sealed_usage
),

-- Of each contract the usage in the last of them that did not hold it: what it was billed for.
billed_by as (
    select
        resting.period,
        sealed_contracts.contract_id,
        max(resting.seal_period) as seal_period
    from resting
    cross join sealed_contracts
    anti join held
        on resting.seal_period = held.seal_period
        and sealed_contracts.contract_id = held.contract_id
    group by resting.period, sealed_contracts.contract_id
),

settled as (
    select sealed_usage.* exclude (seal_period)
    from sealed_usage
    inner join billed_by
        on {{ period_of('sealed_usage.activity_date') }} = billed_by.period
        and sealed_usage.seal_period = billed_by.seal_period
        and sealed_usage.contract_id is not distinct from billed_by.contract_id
),

metered as (
    select * from in_motion
    union all by name
    select * from settled
)

select
    *,
    {{ period_of('activity_date') }} as period
from metered
