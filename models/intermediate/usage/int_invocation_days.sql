{{ config(
    materialized=kept(), unique_key=['site_id', 'activity_date'], meta={'changes': 'int_changed_invocation_days'}
) }}

with changed as (
    select * from {{ ref('int_changed_invocation_days') }}
),

copies as (
    select * from {{ ref('int_invocation_copies') }}
    where rejected_reason is null
),

days as (
    select
        copies.site_id,
        coalesce(copies.function_id, '(not stated)') as function_id,
        copies.activity_date,
        copies.first_arrived_in,
        case
            when copies.place > 1 then 'other_copy'
            when copies.counts then 'counted'
            else 'not_counted'
        end as outcome,
        count(*) as records,
        cast(sum(coalesce(copies.invocation_count, 1)) as bigint) as invocations
    from copies
    inner join changed
        on copies.site_id = changed.site_id
        and copies.activity_date = changed.activity_date
    group by all
)

select * from days
