with source as (
    select * from {{ source('raw', 'landing_files') }}
),

renamed as (
    select
        path,
        feed,
        sha256,
        size_bytes,
        mtime_ns,
        content_id
    from source
)

select * from renamed
