with accounts as (
    select * from {{ ref('stg_reference__accounts') }}
)

select
    account_id,
    account_name,
    currency_code
from accounts
