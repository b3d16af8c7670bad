with source as (
    select * from {{ source('raw', 'sealed_repricing') }}
),

renamed as (
    select
        seal_period,
        usage_period
    from source
)

select * from renamed
