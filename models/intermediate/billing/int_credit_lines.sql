{# SPEC P9: an approved credit is a line of minus its amount in the first open period that has a date of its
   contract, else in the first open one. One that a seal has billed is billed no more. #}
with credits as (
    select * from {{ ref('stg_reference__credits') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

contracts as (
    select
        contracts.contract_id,
        contracts.account_id,
        contracts.starts_on,
        rate_plans.currency_code,
        currencies.minor_units
    from {{ ref('stg_reference__contracts') }} as contracts
    inner join {{ ref('rate_plans') }} as rate_plans
        on contracts.rate_plan_id = rate_plans.rate_plan_id
    inner join {{ ref('currencies') }} as currencies
        on rate_plans.currency_code = currencies.currency_code
),

open_periods as (
    select * from {{ ref('int_open_periods') }}
),

billed as (
    select credit_id
    from {{ ref('stg_sealed__invoice_lines') }}
    where credit_id is not null
),

unbilled as (
    select credits.*
    from credits
    where credits.credit_id not in (select credit_id from billed)
),

placed as (
    select
        unbilled.credit_id,
        min(open_periods.period) filter (where contract_periods.contract_id is not null) as first_in_force,
        min(open_periods.period) as first_open,
        max(open_periods.period) as last_open
    from unbilled
    cross join open_periods
    left join contract_periods
        on unbilled.contract_id = contract_periods.contract_id
        and open_periods.period = contract_periods.period
    group by unbilled.credit_id
),

lines as (
    select
        unbilled.contract_id || ':' || {{ period_text('coalesce(placed.first_in_force, placed.first_open)') }}
        || ':credit:' || unbilled.credit_id as invoice_line_id,
        unbilled.credit_id,
        unbilled.contract_id,
        contracts.account_id,
        contracts.currency_code,
        contracts.minor_units,
        coalesce(placed.first_in_force, placed.first_open) as billing_period,
        unbilled.usage_period,
        'Credit ' || unbilled.credit_id || coalesce(': ' || unbilled.reason, '') as description,
        cast(-unbilled.amount as decimal(18, 4)) as amount
    from unbilled
    inner join placed
        on unbilled.credit_id = placed.credit_id
    inner join contracts
        on unbilled.contract_id = contracts.contract_id
    -- A contract that is yet to start keeps its credit for its first period.
    where placed.first_in_force is not null
        or contracts.starts_on < {{ add_months('placed.last_open', 1) }}
)

select * from lines
