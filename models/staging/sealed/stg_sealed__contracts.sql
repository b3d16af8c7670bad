with source as (
    select * from {{ source('raw', 'sealed_contracts') }}
),

renamed as (
    select
        seal_period,
        usage_period,
        contract_id,
        account_id,
        rate_plan_id,
        starts_on,
        ends_on,
        functions_over_cap,
        purchase_order,
        payment_terms_days
    from source
)

select * from renamed
