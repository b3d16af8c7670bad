with source as (
    select * from {{ source('raw', 'sealed_accounts') }}
),

renamed as (
    select
        seal_period,
        account_id,
        account_name,
        currency_code
    from source
)

select * from renamed
