with source as (
    select * from {{ source('raw', 'sealed_sites') }}
),

renamed as (
    select
        seal_period,
        site_id,
        account_id,
        time_zone,
        listening_enabled,
        effective_at
    from source
)

select * from renamed
