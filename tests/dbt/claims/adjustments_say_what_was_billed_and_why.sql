-- SPEC C3: what an adjustment says was billed before is what earlier documents billed for that usage period.
with lines as (
    select * from {{ ref('fct_invoice_lines') }}
    where charge_id is not null
)

select
    adjustments.invoice_line_id,
    adjustments.billed_before_quantity,
    adjustments.billed_before_amount,
    sum(earlier.quantity) as quantity_of_earlier,
    sum(earlier.amount) as amount_of_earlier
from lines as adjustments
left join lines as earlier
    on adjustments.contract_id = earlier.contract_id
    and adjustments.charge_id = earlier.charge_id
    and adjustments.usage_period = earlier.usage_period
    and earlier.billing_period < adjustments.billing_period
where adjustments.line_kind = 'adjustment'
group by
    adjustments.invoice_line_id,
    adjustments.billed_before_quantity,
    adjustments.billed_before_amount,
    adjustments.reasons,
    adjustments.quantity,
    adjustments.amount
having coalesce(sum(earlier.quantity), 0) <> adjustments.billed_before_quantity
    or coalesce(sum(earlier.amount), 0) <> adjustments.billed_before_amount
    or coalesce(adjustments.reasons, '') = ''
    or (adjustments.quantity = 0 and adjustments.amount = 0)
