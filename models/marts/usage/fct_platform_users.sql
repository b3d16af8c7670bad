with users as (
    select * from {{ ref('int_platform_users') }}
)

select
    contract_id,
    period,
    provisioned_users,
    active_users,
    user_limit,
    is_breach
from users
