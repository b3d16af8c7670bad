{# Units of a sealed period that nothing which its seal rested on supports, by the file that brought them. #}
with periods as (
    select * from {{ ref('int_periods') }}
    where is_closed
),

dars as (
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

invocations as (
    select * from {{ ref('int_invocation_copies') }}
    where place = 1
),

units as (
    select 'dar' as meter, site_id, activity_date, evidence_file, first_arrived_in, 1 as quantity
    from dars
    union all
    select 'channel_credit', site_id, activity_date, evidence_file, first_arrived_in, credits
    from channels
    union all
    select 'listening', site_id, activity_date, evidence_file, first_arrived_in, 1
    from listened
    where carries_credit
    union all
    select 'cobrowse_session', site_id, activity_date, evidence_file, first_arrived_in, 1
    from sessions
    where is_interactive
    union all
    select 'function_invocation', site_id, activity_date, file, first_arrived_in, coalesce(invocation_count, 1)
    from invocations
    where counts
),

late as (
    select
        units.evidence_file as file,
        units.site_id,
        periods.period as usage_period,
        units.meter,
        cast(sum(units.quantity) as decimal(18, 6)) as quantity,
        bool_or(units.first_arrived_in = date '9999-12-01') as is_new
    from units
    inner join periods
        on {{ period_of('units.activity_date') }} = periods.period
        and units.first_arrived_in > periods.period
    where units.quantity > 0
    group by all
)

select * from late
