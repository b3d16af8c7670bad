{# The share of an adjustment is the new allocation less the sealed ones (SPEC P1). #}
with adjustments as (
    select * from {{ ref('int_adjustments') }}
),

lines as (
    select * from {{ ref('int_charge_lines') }}
    where is_closed
),

shares as (
    select * from {{ ref('int_line_site_shares') }}
),

sealed_lines as (
    select * from {{ ref('stg_sealed__invoice_lines') }}
    where charge_id is not null
),

sealed_shares as (
    select * from {{ ref('stg_sealed__invoice_line_sites') }}
),

signed as (
    select
        lines.contract_id,
        lines.charge_id,
        lines.period as usage_period,
        shares.site_id,
        shares.quantity,
        shares.amount
    from lines
    inner join shares
        on lines.invoice_line_id = shares.invoice_line_id
    union all
    select
        sealed_lines.contract_id,
        sealed_lines.charge_id,
        sealed_lines.usage_period,
        sealed_shares.site_id,
        -sealed_shares.quantity,
        -sealed_shares.amount
    from sealed_lines
    inner join sealed_shares
        on sealed_lines.invoice_line_id = sealed_shares.invoice_line_id
),

differences as (
    select
        contract_id,
        charge_id,
        usage_period,
        site_id,
        cast(sum(quantity) as decimal(18, 6)) as quantity,
        cast(sum(amount) as decimal(18, 4)) as amount
    from signed
    group by contract_id, charge_id, usage_period, site_id
    having sum(quantity) <> 0 or sum(amount) <> 0
),

allocated as (
    select
        adjustments.invoice_line_id,
        differences.site_id,
        differences.quantity,
        differences.amount
    from adjustments
    inner join differences
        on adjustments.contract_id = differences.contract_id
        and adjustments.charge_id = differences.charge_id
        and adjustments.usage_period = differences.usage_period
)

select * from allocated
