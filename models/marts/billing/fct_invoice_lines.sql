with charge_lines as (
    select * from {{ ref('int_charge_lines') }}
    where not is_closed
),

adjustments as (
    select * from {{ ref('int_adjustments') }}
    where is_shown
),

reasons as (
    select * from {{ ref('int_adjustment_reasons') }}
),

credit_lines as (
    select credit_lines.*
    from {{ ref('int_credit_lines') }} as credit_lines
    inner join {{ ref('int_open_periods') }} as open_periods
        on credit_lines.billing_period = open_periods.period
    where open_periods.is_shown
),

sealed_lines as (
    select * from {{ ref('stg_sealed__invoice_lines') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

held as (
    select distinct contract_id, billing_period
    from {{ ref('int_contract_holds') }}
    where is_held
),

charges as (
    select
        invoice_line_id,
        account_id,
        contract_id,
        period as billing_period,
        period as usage_period,
        part_from as usage_from,
        part_to as usage_to,
        line_kind,
        charge_id,
        meter,
        description,
        quantity,
        included_quantity,
        billable_quantity,
        block_size,
        rounding,
        blocks,
        credits,
        unit_price,
        price_basis,
        amount,
        currency_code,
        charge_model,
        terms_id
    from charge_lines
),

adjusted as (
    select
        adjustments.invoice_line_id,
        adjustments.account_id,
        adjustments.contract_id,
        adjustments.billing_period,
        adjustments.usage_period,
        adjustments.usage_period as usage_from,
        {{ add_months('adjustments.usage_period', 1) }} as usage_to,
        'adjustment' as line_kind,
        adjustments.charge_id,
        adjustments.meter,
        'Adjustment of ' || {{ period_text('adjustments.usage_period') }} || ': ' || adjustments.charge_id as description,
        adjustments.quantity,
        adjustments.price_basis,
        adjustments.amount,
        adjustments.currency_code,
        adjustments.billed_before_quantity,
        adjustments.billed_before_amount,
        reasons.reasons,
        adjustments.charge_model,
        adjustments.terms_id
    from adjustments
    inner join reasons
        on adjustments.invoice_line_id = reasons.invoice_line_id
),

credited as (
    select
        invoice_line_id,
        account_id,
        contract_id,
        billing_period,
        usage_period,
        usage_period as usage_from,
        {{ add_months('usage_period', 1) }} as usage_to,
        'credit' as line_kind,
        description,
        amount,
        currency_code,
        credit_id
    from credit_lines
),

open_lines as (
    select * from charges
    union all by name
    select * from adjusted
    union all by name
    select * from credited
),

judged as (
    select
        open_lines.*,
        open_lines.contract_id || ':' || {{ period_text('open_lines.billing_period') }} as invoice_id,
        case when held.contract_id is not null then 'held' else 'draft' end as status
    from open_lines
    left join held
        on open_lines.contract_id = held.contract_id
        and open_lines.billing_period = held.billing_period
),

closed as (
    select
        sealed_lines.* exclude (seal_period),
        'final' as status
    from sealed_lines
    cross join run
    where sealed_lines.billing_period <= run.period
),

lines as (
    select * from judged
    union all by name
    select * from closed
),

ordered as (
    select
        invoice_line_id,
        invoice_id,
        account_id,
        contract_id,
        billing_period,
        usage_period,
        usage_from,
        usage_to,
        line_kind,
        charge_id,
        meter,
        charge_model,
        description,
        cast(quantity as decimal(18, 6)) as quantity,
        included_quantity,
        billable_quantity,
        block_size,
        rounding,
        blocks,
        credits,
        unit_price,
        price_basis,
        cast(amount as decimal(18, 4)) as amount,
        currency_code,
        cast(billed_before_quantity as decimal(18, 6)) as billed_before_quantity,
        cast(billed_before_amount as decimal(18, 4)) as billed_before_amount,
        reasons,
        credit_id,
        terms_id,
        status
    from lines
)

select * from ordered
