with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

shares as (
    select invoice_line_id, site_id, quantity, amount from {{ ref('int_line_site_shares') }}
),

adjustment_shares as (
    select * from {{ ref('int_adjustment_sites') }}
),

sealed_shares as (
    select invoice_line_id, site_id, quantity, amount from {{ ref('stg_sealed__invoice_line_sites') }}
),

open_shares as (
    select * from shares
    union all by name
    select * from adjustment_shares
),

line_sites as (
    select open_shares.*
    from open_shares
    inner join lines
        on open_shares.invoice_line_id = lines.invoice_line_id
    where lines.status <> 'final'
    union all by name
    select sealed_shares.*
    from sealed_shares
    inner join lines
        on sealed_shares.invoice_line_id = lines.invoice_line_id
    where lines.status = 'final'
)

select
    invoice_line_id,
    site_id,
    quantity,
    amount
from line_sites
