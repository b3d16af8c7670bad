with source as (
    select * from {{ source('raw', 'run_settings') }}
),

renamed as (
    select
        as_of,
        period,
        tzdata_version
    from source
)

select * from renamed
