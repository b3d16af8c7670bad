with source as (
    select * from {{ source('raw', 'sealed_inputs') }}
),

renamed as (
    select
        seal_period,
        path,
        sha256,
        first_instant_at,
        last_instant_at
    from source
)

select * from renamed
