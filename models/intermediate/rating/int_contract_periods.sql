with periods as (
    select * from {{ ref('int_periods') }}
),

kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

contracts as (
    select
        contracts.contract_id,
        contracts.account_id,
        contracts.rate_plan_id,
        contracts.starts_on,
        contracts.ends_on,
        contracts.functions_over_cap,
        contracts.purchase_order,
        contracts.payment_terms_days,
        rate_plans.currency_code,
        rate_plans.platform_user_limit,
        rate_plans.listening_grain,
        rate_plans.stub_allowance,
        currencies.minor_units
    from {{ ref('stg_reference__contracts') }} as contracts
    inner join {{ ref('rate_plans') }} as rate_plans
        on contracts.rate_plan_id = rate_plans.rate_plan_id
    inner join {{ ref('currencies') }} as currencies
        on rate_plans.currency_code = currencies.currency_code
),

sealed_contracts as (
    select
        kept_terms.period,
        {{ period_text('sealed.seal_period') }} as terms_id,
        sealed.contract_id,
        sealed.account_id,
        sealed.rate_plan_id,
        sealed.starts_on,
        sealed.ends_on,
        sealed.functions_over_cap,
        sealed.purchase_order,
        sealed.payment_terms_days,
        sealed_plans.currency_code,
        sealed_plans.platform_user_limit,
        sealed_plans.listening_grain,
        sealed_plans.stub_allowance,
        sealed_currencies.minor_units
    from kept_terms
    inner join {{ ref('stg_sealed__contracts') }} as sealed
        on kept_terms.period = sealed.usage_period
    inner join {{ ref('stg_sealed__rate_plans') }} as sealed_plans
        on sealed.seal_period = sealed_plans.seal_period
        and sealed.rate_plan_id = sealed_plans.rate_plan_id
    inner join {{ ref('stg_sealed__currencies') }} as sealed_currencies
        on sealed_plans.seal_period = sealed_currencies.seal_period
        and sealed_plans.currency_code = sealed_currencies.currency_code
    -- What was repriced stays so, a contract that is gone by then too: older rows hold for those held that day.
    left join held
        on kept_terms.metering_seal = held.seal_period
        and sealed.contract_id = held.contract_id
    where sealed.seal_period >= kept_terms.metering_seal
        or held.contract_id is not null
    -- The last seal that rated the usage period with the terms of its day: its own, or one that repriced it or
    -- billed it held.
    qualify sealed.seal_period = max(sealed.seal_period) over (partition by sealed.usage_period, sealed.contract_id)
),

current_contracts as (
    select
        periods.period,
        'current' as terms_id,
        contracts.*
    from periods
    inner join contracts
        on contracts.starts_on < periods.next_period
        and (contracts.ends_on is null or periods.period < contracts.ends_on)
),

-- A contract that the seal billed stays as the seal has it; one that was held or signed later is rated
-- with the terms of today, unless it lies over a sealed contract of the same account.
addable as (
    select current_contracts.*
    from current_contracts
    left join sealed_contracts
        on current_contracts.period = sealed_contracts.period
        and (
            current_contracts.contract_id = sealed_contracts.contract_id
            or (
                current_contracts.account_id = sealed_contracts.account_id
                and current_contracts.starts_on < coalesce(sealed_contracts.ends_on, date '9999-12-31')
                and sealed_contracts.starts_on < coalesce(current_contracts.ends_on, date '9999-12-31')
            )
        )
    where sealed_contracts.contract_id is null
),

effective as (
    select * from sealed_contracts
    union all
    select * from addable
),

dated as (
    select
        effective.*,
        greatest(effective.starts_on, periods.period) as in_force_from,
        least(coalesce(effective.ends_on, periods.next_period), periods.next_period) as in_force_to,
        {{ days_between('periods.period', 'periods.next_period') }} as days_of_period
    from effective
    inner join periods
        on effective.period = periods.period
),

contract_periods as (
    select
        *,
        {{ days_between('in_force_from', 'in_force_to') }} as days_in_force
    from dated
)

select * from contract_periods
