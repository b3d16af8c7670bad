with source as (
    select * from {{ source('raw', 'sealed_rate_plan_channels') }}
),

renamed as (
    select
        seal_period,
        rate_plan_id,
        channel
    from source
)

select * from renamed
