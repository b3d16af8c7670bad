with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

arithmetic as (
    select * from {{ ref('int_charge_line_arithmetic') }}
),

adjustments as (
    select * from {{ ref('int_adjustments') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

sealed_terms as (
    select * exclude (seal_period) from {{ ref('stg_sealed__invoice_line_terms') }}
),

-- An adjustment rests on every part of the usage month, as it is rated now.
of_lines as (
    select arithmetic.*
    from arithmetic
    where not arithmetic.is_closed
    union all by name
    select arithmetic.* replace (adjustments.invoice_line_id as invoice_line_id)
    from arithmetic
    inner join adjustments
        on arithmetic.contract_id = adjustments.contract_id
        and arithmetic.charge_id = adjustments.charge_id
        and arithmetic.period = adjustments.usage_period
    where arithmetic.is_closed
),

open_terms as (
    select
        of_lines.invoice_line_id,
        cast(of_lines.part_number as integer) as part_number,
        of_lines.part_from,
        of_lines.part_to,
        of_lines.terms_id,
        contract_periods.rate_plan_id,
        of_lines.charge_id,
        of_lines.meter,
        of_lines.charge_model,
        of_lines.price_basis,
        of_lines.description,
        of_lines.stated_included_quantity,
        cast(of_lines.stub_days as integer) as stub_days,
        cast(of_lines.stub_of_days as integer) as stub_of_days,
        of_lines.included_quantity,
        of_lines.block_size,
        of_lines.rounding,
        of_lines.credits_per_block,
        cast(case when of_lines.charge_model in ('standard', 'package', 'flat') then of_lines.unit_price end as decimal(24, 9)) as unit_price,
        cast(of_lines.minimum_amount as decimal(24, 9)) as minimum_amount,
        cast(of_lines.maximum_amount as decimal(24, 9)) as maximum_amount,
        of_lines.is_suspended,
        of_lines.quantity_before,
        of_lines.quantity,
        cast(of_lines.billable_before as decimal(18, 6)) as billable_before,
        of_lines.billable_quantity,
        of_lines.blocks,
        of_lines.credits,
        of_lines.cost_arithmetic,
        of_lines.cost,
        of_lines.amount_arithmetic,
        of_lines.amount,
        of_lines.currency_code,
        of_lines.minor_units
    from of_lines
    inner join lines
        on of_lines.invoice_line_id = lines.invoice_line_id
    left join contract_periods
        on of_lines.contract_id = contract_periods.contract_id
        and of_lines.period = contract_periods.period
    where lines.status <> 'final'
),

line_terms as (
    select * from open_terms
    union all by name
    select sealed_terms.*
    from sealed_terms
    inner join lines
        on sealed_terms.invoice_line_id = lines.invoice_line_id
    where lines.status = 'final'
)

select * from line_terms
