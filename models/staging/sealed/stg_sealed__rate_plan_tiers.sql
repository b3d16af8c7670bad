with source as (
    select * from {{ source('raw', 'sealed_rate_plan_tiers') }}
),

renamed as (
    select
        seal_period,
        charge_id,
        tier_from,
        tier_to,
        unit_price,
        flat_price,
        effective_from,
        effective_to
    from source
)

select * from renamed
