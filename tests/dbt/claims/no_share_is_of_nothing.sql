-- SPEC P1: a site with neither quantity nor amount has no row, and no share stands without its line.
select shares.*
from {{ ref('fct_invoice_line_sites') }} as shares
left join {{ ref('fct_invoice_lines') }} as lines
    on shares.invoice_line_id = lines.invoice_line_id
where (coalesce(shares.quantity, 0) = 0 and shares.amount = 0)
    or lines.invoice_line_id is null
