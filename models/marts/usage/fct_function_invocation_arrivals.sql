{{ config(materialized='view') }}

with days as (
    select * from {{ ref('int_invocation_days') }}
    where outcome = 'counted'
),

arrivals as (
    select
        site_id,
        function_id,
        activity_date,
        coalesce({{ period_text("nullif(first_arrived_in, date '9999-12-01')") }}, 'open') as arrival,
        nullif(first_arrived_in, date '9999-12-01') as first_sealed_in,
        invocations
    from days
)

select * from arrivals
