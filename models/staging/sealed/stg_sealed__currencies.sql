with source as (
    select * from {{ source('raw', 'sealed_currencies') }}
),

renamed as (
    select
        seal_period,
        currency_code,
        minor_units
    from source
)

select * from renamed
