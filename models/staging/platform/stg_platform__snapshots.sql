with source as (
    select * from {{ source('raw', 'platform_user_snapshots') }}
),

renamed as (
    select
        content_id,
        record_index,
        site_id,
        snapshot_at
    from source
)

select * from renamed
