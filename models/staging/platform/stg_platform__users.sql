with source as (
    select * from {{ source('raw', 'platform_users') }}
),

renamed as (
    select
        content_id,
        record_index,
        user_index,
        site_id,
        snapshot_at,
        user_id,
        user_type,
        is_enabled,
        is_deleted
    from source
)

select * from renamed
