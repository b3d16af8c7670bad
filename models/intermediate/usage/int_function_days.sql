with winners as (
    select * from {{ ref('int_invocation_copies') }}
    where place = 1
),

days as (
    select
        site_id,
        coalesce(function_id, '(not stated)') as function_id,
        activity_date,
        cast(sum(case when counts then coalesce(invocation_count, 1) else 0 end) as bigint) as invocations,
        cast(sum(case when counts then 0 else coalesce(invocation_count, 1) end) as bigint) as uncounted_invocations
    from winners
    group by all
)

select * from days
