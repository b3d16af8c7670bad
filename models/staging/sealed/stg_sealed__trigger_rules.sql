with source as (
    select * from {{ source('raw', 'sealed_trigger_rules') }}
),

renamed as (
    select
        seal_period,
        trigger,
        counts
    from source
)

select * from renamed
