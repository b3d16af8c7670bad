with source as (
    select * from {{ source('raw', 'sealed_invoice_line_tiers') }}
),

renamed as (
    select
        seal_period,
        invoice_line_id,
        tier_from,
        tier_to,
        quantity,
        unit_price,
        flat_price,
        amount
    from source
)

select * from renamed
