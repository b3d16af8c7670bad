with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

open_tiers as (
    select * from {{ ref('int_charge_line_tiers') }}
),

sealed_tiers as (
    select * exclude (seal_period) from {{ ref('stg_sealed__invoice_line_tiers') }}
),

tiers as (
    select open_tiers.*
    from open_tiers
    inner join lines
        on open_tiers.invoice_line_id = lines.invoice_line_id
    where lines.status <> 'final'
    union all by name
    select sealed_tiers.*
    from sealed_tiers
    inner join lines
        on sealed_tiers.invoice_line_id = lines.invoice_line_id
    where lines.status = 'final'
)

select
    invoice_line_id,
    tier_from,
    tier_to,
    quantity,
    unit_price,
    flat_price,
    amount
from tiers
