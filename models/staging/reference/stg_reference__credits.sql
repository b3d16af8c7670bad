with source as (
    select * from {{ source('raw', 'credits') }}
),

renamed as (
    select
        content_id,
        record_index,
        credit_id,
        contract_id,
        usage_period,
        amount,
        currency_code,
        reason,
        approved_by
    from source
)

select * from renamed
