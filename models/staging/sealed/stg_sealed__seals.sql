with source as (
    select * from {{ source('raw', 'seals') }}
),

renamed as (
    select
        seal_period,
        seal_hash,
        previous_hash,
        first_billed_period,
        tzdata_version,
        closed_by
    from source
)

select * from renamed
