-- SPEC section 7: the unrounded tiers come to the line within its rounding (a part is a difference of two rounded
-- sums: less than one minor unit away). Where a minimum or a maximum binds they need not,
-- and suspended functions (SPEC P9) have none.
with bounded as (
    select charge_id
    from {{ ref('int_charge_terms') }}
    where minimum_amount is not null
        or maximum_amount is not null
),

tiers as (
    select
        invoice_line_id,
        sum(amount) as amount
    from {{ ref('fct_invoice_line_tiers') }}
    group by invoice_line_id
)

select
    lines.invoice_line_id,
    lines.amount,
    tiers.amount as amount_of_tiers
from {{ ref('fct_invoice_lines') }} as lines
inner join {{ ref('currencies') }} as currencies
    on lines.currency_code = currencies.currency_code
left join tiers
    on lines.invoice_line_id = tiers.invoice_line_id
where lines.charge_model in ('graduated', 'volume')
    and lines.line_kind <> 'adjustment'
    and lines.charge_id not in (select charge_id from bounded)
    and (
        (tiers.invoice_line_id is null and not (lines.meter = 'function_invocation' and lines.amount = 0))
        or abs(tiers.amount - lines.amount) >= cast('1e-' || currencies.minor_units as decimal(18, 6))
    )
