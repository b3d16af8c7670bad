with contracts as (
    select * from {{ ref('stg_reference__contracts') }}
)

select
    contract_id,
    account_id,
    rate_plan_id,
    starts_on,
    ends_on,
    functions_over_cap,
    purchase_order,
    payment_terms_days
from contracts
