with accounts as (
    select account_id, account_name, currency_code from {{ ref('stg_reference__accounts') }}
),

-- Closed periods keep their names: what a later file no longer lists is as its last seal has it.
sealed_accounts as (
    select account_id, account_name, currency_code
    from {{ ref('stg_sealed__accounts') }}
    where account_id not in (select account_id from accounts)
    qualify row_number() over (partition by account_id order by seal_period desc) = 1
),

all_accounts as (
    select * from accounts
    union all
    select * from sealed_accounts
)

select
    account_id,
    account_name,
    currency_code
from all_accounts
