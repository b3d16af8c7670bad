-- invoice(account, period)
-- An account's document of a month as it reads: its lines in order, then the total; a draft says so. The month is a
-- date or 'YYYY-MM'. An account whose contract changed within the month has one document for each.
-- Example: from invoice('alpine', '2026-03')
with documents as (
    select
        *,
        coalesce(document_number, upper(status)) as document
    from billing.fct_invoices
    where account_id = account
        and substr(cast(billing_period as varchar), 1, 7) = substr(cast(period as varchar), 1, 7)
),

lines as (
    select
        documents.document,
        documents.contract_id,
        row_number() over (
            partition by documents.invoice_id
            order by
                case lines.line_kind when 'subscription' then 1 when 'charge' then 2 when 'adjustment' then 3 else 4 end,
                lines.usage_period, lines.charge_id, lines.usage_from, lines.invoice_line_id
        ) as position,
        lines.line_kind,
        lines.description,
        lines.usage_from,
        lines.usage_to - 1 as usage_through,
        lines.quantity,
        lines.included_quantity,
        lines.billable_quantity,
        lines.unit_price,
        lines.block_size,
        lines.amount,
        lines.currency_code,
        lines.status,
        lines.invoice_line_id
    from documents
    inner join billing.fct_invoice_lines as lines
        on documents.invoice_id = lines.invoice_id
),

totals as (
    select
        document,
        contract_id,
        lines + 1 as position,
        'total' as line_kind,
        case document_type when 'credit_note' then 'Total of the credit note' when 'invoice' then 'Total of the invoice' else 'Total of the statement' end
        || coalesce(', due ' || due_date, '') || coalesce(', purchase order ' || purchase_order, '') as description,
        service_from as usage_from,
        service_to - 1 as usage_through,
        amount,
        currency_code,
        status
    from documents
),

document_rows as (
    select * from lines
    union all by name
    select * from totals
)

select *
from document_rows
order by contract_id, position
