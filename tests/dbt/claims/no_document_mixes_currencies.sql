-- SPEC P7: the lines of a document are of its currency, which is its account's.
select
    invoices.invoice_id,
    invoices.currency_code,
    lines.invoice_line_id,
    lines.currency_code as currency_of_line,
    accounts.currency_code as currency_of_account
from {{ ref('fct_invoices') }} as invoices
inner join {{ ref('fct_invoice_lines') }} as lines
    on invoices.invoice_id = lines.invoice_id
left join {{ ref('dim_accounts') }} as accounts
    on invoices.account_id = accounts.account_id
where lines.currency_code <> invoices.currency_code
    or (invoices.status <> 'final' and accounts.currency_code <> invoices.currency_code)
