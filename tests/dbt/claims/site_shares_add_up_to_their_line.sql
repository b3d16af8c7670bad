-- SPEC P1: the parts add up to the line, in quantity and amount. A line of which the contract has no site on any of
-- its dates is shared by nobody.
with shares as (
    select
        invoice_line_id,
        sum(quantity) as quantity,
        sum(amount) as amount
    from {{ ref('fct_invoice_line_sites') }}
    group by invoice_line_id
),

contract_dates as (
    select distinct contract_id, site_date
    from {{ ref('dim_site_days') }}
    where contract_id is not null
)

select
    lines.invoice_line_id,
    lines.quantity,
    lines.amount,
    shares.quantity as shared_quantity,
    shares.amount as shared_amount
from {{ ref('fct_invoice_lines') }} as lines
left join shares
    on lines.invoice_line_id = shares.invoice_line_id
where (
    coalesce(lines.quantity, 0) <> coalesce(shares.quantity, 0)
    or lines.amount <> coalesce(shares.amount, 0)
)
and (
    shares.invoice_line_id is not null
    or exists (
        select 1
        from contract_dates
        where lines.contract_id = contract_dates.contract_id
            and contract_dates.site_date >= lines.usage_from
            and contract_dates.site_date < lines.usage_to
    )
)
