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
    select * from {{ ref('int_invocation_days') }}
    where outcome = 'counted'
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

frozen as (
    select * from {{ ref('int_sealed_terms') }}
    where is_frozen
),

settled as (
    select * from {{ ref('int_settled_usage') }}
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

metered as (
    select * from in_motion
    union all
    select * from settled
)

select
    *,
    {{ period_of('activity_date') }} as period
from metered
