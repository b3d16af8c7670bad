with source as (
    select * from {{ source('raw', 'zone_offsets') }}
),

renamed as (
    select
        time_zone,
        valid_from,
        valid_to,
        utc_offset_seconds,
        tzdata_version
    from source
)

select * from renamed
