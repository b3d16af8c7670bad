with source as (
    select * from {{ source('raw', 'landing_contents') }}
),

renamed as (
    select
        content_id,
        feed,
        format,
        sha256,
        size_bytes,
        records,
        rejects,
        first_instant_at,
        last_instant_at,
        loader_version
    from source
)

select * from renamed
