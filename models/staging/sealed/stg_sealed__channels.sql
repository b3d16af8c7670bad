with source as (
    select * from {{ source('raw', 'sealed_channels') }}
),

renamed as (
    select
        seal_period,
        source,
        channel
    from source
)

select * from renamed
