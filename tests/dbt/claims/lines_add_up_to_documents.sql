-- SPEC P7: an invoice is the sum of its lines, and every line stands on one.
with lines as (
    select
        invoice_id,
        count(*) as lines,
        sum(amount) as amount,
        min(status) as status
    from {{ ref('fct_invoice_lines') }}
    group by invoice_id
    having count(distinct status) = 1
)

select *
from lines
full outer join {{ ref('fct_invoices') }} as invoices
    using (invoice_id)
where lines.amount is distinct from invoices.amount
    or lines.lines is distinct from invoices.lines
    or lines.status is distinct from invoices.status
