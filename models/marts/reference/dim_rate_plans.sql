with rate_plans as (
    select
        rate_plan_id,
        rate_plan_name,
        currency_code,
        platform_user_limit,
        listening_grain,
        stub_allowance,
        source
    from {{ ref('rate_plans') }}
),

-- Closed periods keep their plans: what the policy no longer lists is as its last seal has it.
sealed_plans as (
    select
        * exclude (seal_period),
        cast(null as varchar) as source
    from {{ ref('stg_sealed__rate_plans') }}
    where rate_plan_id not in (select rate_plan_id from rate_plans)
    qualify row_number() over (partition by rate_plan_id order by seal_period desc) = 1
),

all_plans as (
    select * from rate_plans
    union all by name
    select * from sealed_plans
)

select * from all_plans
