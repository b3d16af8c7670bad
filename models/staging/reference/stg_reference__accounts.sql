with source as (
    select * from {{ source('raw', 'accounts') }}
),

renamed as (
    select
        content_id,
        record_index,
        account_id,
        account_name,
        currency_code
    from source
)

select * from renamed
