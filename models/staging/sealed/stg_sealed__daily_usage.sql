with source as (
    select * from {{ source('raw', 'sealed_daily_usage') }}
),

renamed as (
    select
        seal_period,
        site_id,
        contract_id,
        meter,
        activity_date,
        is_channel_mapped,
        quantity
    from source
)

select * from renamed
