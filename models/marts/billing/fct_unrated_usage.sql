with unrated as (
    select * from {{ ref('int_unrated_usage') }}
),

usage as (
    select
        site_id,
        meter,
        activity_date,
        reason,
        contract_id,
        quantity
    from unrated
)

select * from usage
