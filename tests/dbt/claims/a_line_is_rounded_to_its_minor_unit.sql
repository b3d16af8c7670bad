-- SPEC P7: USD 2 digits, JPY none, KWD 3, on lines, shares and documents.
with amounts as (
    select invoice_line_id as item, currency_code, amount from {{ ref('fct_invoice_lines') }}
    union all
    select invoice_id, currency_code, amount from {{ ref('fct_invoices') }}
    union all
    select lines.invoice_line_id || ' ' || shares.site_id, lines.currency_code, shares.amount
    from {{ ref('fct_invoice_line_sites') }} as shares
    inner join {{ ref('fct_invoice_lines') }} as lines
        on shares.invoice_line_id = lines.invoice_line_id
)

select amounts.*
from amounts
inner join {{ ref('currencies') }} as currencies
    on amounts.currency_code = currencies.currency_code
where case currencies.minor_units
        when 0 then round(amounts.amount, 0)
        when 1 then round(amounts.amount, 1)
        when 2 then round(amounts.amount, 2)
        when 3 then round(amounts.amount, 3)
        else amounts.amount
    end <> amounts.amount
