with rate_plans as (
    select * from {{ ref('rate_plans') }}
)

select
    rate_plan_id,
    rate_plan_name,
    currency_code,
    platform_user_limit,
    listening_grain,
    stub_allowance,
    source
from rate_plans
