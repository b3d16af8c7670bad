with source as (
    select * from {{ source('raw', 'sealed_invoice_line_sites') }}
),

renamed as (
    select
        seal_period,
        invoice_line_id,
        site_id,
        quantity,
        amount
    from source
)

select * from renamed
