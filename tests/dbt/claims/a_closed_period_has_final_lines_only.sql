-- SPEC C1: closed periods are as sealed, open ones drafts or held.
select
    lines.invoice_line_id,
    lines.billing_period,
    lines.status,
    periods.state
from {{ ref('fct_invoice_lines') }} as lines
left join {{ ref('fct_periods') }} as periods
    on lines.billing_period = periods.period
where periods.state is null
    or (periods.state = 'closed') <> (lines.status = 'final')
