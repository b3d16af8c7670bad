with source as (
    select * from {{ source('raw', 'sealed_activity_rules') }}
),

renamed as (
    select
        seal_period,
        sender_kind,
        counts
    from source
)

select * from renamed
