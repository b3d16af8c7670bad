with source as (
    select * from {{ source('raw', 'sites') }}
),

renamed as (
    select
        content_id,
        record_index,
        site_id,
        account_id,
        time_zone,
        listening_enabled,
        effective_at
    from source
)

select * from renamed
