with invocations as (
    select * from {{ ref('int_invocation_copies') }}
),

arrivals as (
    select
        site_id,
        coalesce(function_id, '(not stated)') as function_id,
        activity_date,
        coalesce({{ period_text("nullif(first_arrived_in, date '9999-12-01')") }}, 'open') as arrival,
        nullif(first_arrived_in, date '9999-12-01') as first_sealed_in,
        cast(sum(coalesce(invocation_count, 1)) as bigint) as invocations
    from invocations
    where place = 1
        and counts
    group by all
)

select * from arrivals
