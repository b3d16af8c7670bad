with changed as (
    select * from {{ ref('int_changed_invocations') }}
),

copies as (
    select * from {{ ref('int_invocation_copies') }}
    where activity_date is not null
),

days as (
    select site_id, activity_date
    from changed
    where activity_date is not null
    union
    select
        copies.site_id,
        copies.activity_date
    from copies
    semi join changed
        on copies.site_id = changed.site_id
        and copies.invocation_id = changed.invocation_id
)

select * from days
