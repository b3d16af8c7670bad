with source as (
    select * from {{ source('raw', 'sealed_rate_plans') }}
),

renamed as (
    select
        seal_period,
        rate_plan_id,
        rate_plan_name,
        currency_code,
        platform_user_limit,
        listening_grain,
        stub_allowance
    from source
)

select * from renamed
