with source as (
    select * from {{ source('raw', 'sealed_rate_plan_charges') }}
),

renamed as (
    select
        seal_period,
        rate_plan_id,
        charge_id,
        meter,
        charge_model,
        included_quantity,
        block_size,
        credits_per_block,
        price_per_block,
        rounding,
        minimum_amount,
        maximum_amount,
        price_basis,
        effective_from,
        effective_to,
        description
    from source
)

select * from renamed
