with source as (
    select * from {{ source('raw', 'sealed_message_audiences') }}
),

renamed as (
    select
        seal_period,
        audience,
        reaches_consumer
    from source
)

select * from renamed
