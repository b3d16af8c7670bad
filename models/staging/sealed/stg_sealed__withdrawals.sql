with source as (
    select * from {{ source('raw', 'sealed_withdrawals') }}
),

renamed as (
    select
        seal_period,
        path
    from source
)

select * from renamed
