{{ config(materialized='view') }}

with copies as (
    select * from {{ ref('int_invocation_days') }}
    where outcome in ('counted', 'not_counted')
),

days as (
    select
        site_id,
        function_id,
        activity_date,
        cast(sum(case outcome when 'counted' then invocations else 0 end) as bigint) as invocations,
        cast(sum(case outcome when 'counted' then 0 else invocations end) as bigint) as uncounted_invocations
    from copies
    group by site_id, function_id, activity_date
)

select * from days
