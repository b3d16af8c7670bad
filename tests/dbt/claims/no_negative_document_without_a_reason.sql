-- Issue 3: an adjustment or a credit explains every negative document.
select invoices.*
from {{ ref('fct_invoices') }} as invoices
where invoices.amount < 0
    and not exists (
        select 1
        from {{ ref('fct_invoice_lines') }} as lines
        where lines.invoice_id = invoices.invoice_id
            and lines.line_kind in ('adjustment', 'credit')
            and lines.amount < 0
    )
