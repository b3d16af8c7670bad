with source as (
    select * from {{ source('raw', 'sealed_held_contracts') }}
),

renamed as (
    select
        seal_period,
        contract_id,
        check_name,
        quantity
    from source
)

select * from renamed
