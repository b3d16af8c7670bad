{# SPEC C3, one formula: what a sealed usage period costs now less what all seals billed for it. #}
with lines as (
    select * from {{ ref('int_charge_lines') }}
    where is_closed
),

billed as (
    select * from {{ ref('int_billed_before') }}
),

frozen as (
    select * from {{ ref('int_sealed_terms') }}
    where is_frozen
),

open_periods as (
    select * from {{ ref('int_open_periods') }}
    where is_first
),

costs as (
    select
        contract_id,
        charge_id,
        period as usage_period,
        any_value(account_id) as account_id,
        any_value(currency_code) as currency_code,
        any_value(meter) as meter,
        arg_max(charge_model, part_number) as charge_model,
        arg_max(price_basis, part_number) as price_basis,
        any_value(terms_id) as terms_id,
        cast(sum(quantity) as decimal(18, 6)) as quantity,
        cast(sum(amount) as decimal(18, 4)) as amount
    from lines
    group by contract_id, charge_id, period
),

compared as (
    select
        coalesce(costs.contract_id, billed.contract_id) as contract_id,
        coalesce(costs.charge_id, billed.charge_id) as charge_id,
        coalesce(costs.usage_period, billed.usage_period) as usage_period,
        coalesce(costs.account_id, billed.account_id) as account_id,
        coalesce(costs.currency_code, billed.currency_code) as currency_code,
        coalesce(costs.meter, billed.meter) as meter,
        coalesce(costs.charge_model, billed.charge_model) as charge_model,
        coalesce(costs.price_basis, billed.price_basis) as price_basis,
        coalesce(costs.terms_id, billed.terms_id) as terms_id,
        coalesce(costs.quantity, 0) as quantity_now,
        coalesce(costs.amount, 0) as amount_now,
        coalesce(billed.quantity, 0) as billed_before_quantity,
        coalesce(billed.amount, 0) as billed_before_amount
    from costs
    full outer join billed
        on costs.contract_id = billed.contract_id
        and costs.charge_id = billed.charge_id
        and costs.usage_period = billed.usage_period
),

adjustments as (
    select
        compared.contract_id || ':' || {{ period_text('open_periods.period') }} || ':' || compared.charge_id
        || ':adjusts:' || {{ period_text('compared.usage_period') }} as invoice_line_id,
        open_periods.period as billing_period,
        open_periods.is_shown,
        compared.*,
        compared.quantity_now - compared.billed_before_quantity as quantity,
        compared.amount_now - compared.billed_before_amount as amount
    from compared
    cross join open_periods
    where compared.usage_period not in (select period from frozen)
        and (
            compared.quantity_now <> compared.billed_before_quantity
            or compared.amount_now <> compared.billed_before_amount
        )
)

select * from adjustments
