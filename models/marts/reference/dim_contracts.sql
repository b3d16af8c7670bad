with contracts as (
    select
        contract_id,
        account_id,
        rate_plan_id,
        starts_on,
        ends_on,
        functions_over_cap,
        purchase_order,
        payment_terms_days
    from {{ ref('stg_reference__contracts') }}
),

-- Closed periods keep their contracts: what a later file no longer lists is as its last seal has it.
sealed_contracts as (
    select * exclude (seal_period, usage_period)
    from {{ ref('stg_sealed__contracts') }}
    where contract_id not in (select contract_id from contracts)
    qualify row_number() over (partition by contract_id order by seal_period desc, usage_period desc) = 1
),

all_contracts as (
    select * from contracts
    union all by name
    select * from sealed_contracts
)

select * from all_contracts
