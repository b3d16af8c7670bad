-- Double entry, a journal per document and step: the month's end accrues what was earned (debit unbilled receivable,
-- credit revenue); invoicing reverses that and bills it (debit accounts receivable, credit revenue). A draft has the
-- accrual alone; held lines are posted when they are released. Side by side, debit and credit are never negative.
with lines as (
    select
        contract_id,
        invoice_id,
        billing_period,
        usage_period,
        currency_code,
        meter,
        case when line_kind = 'credit' then 'credit' else 'revenue' end as posting,
        amount
    from books.invoice_lines
    where status <> 'held'
),

documents as (
    select
        invoice_id,
        document_number,
        issue_date
    from books.invoices
),

-- What each document earned, by account of the income statement.
earned as (
    select
        lines.contract_id,
        lines.invoice_id,
        lines.billing_period,
        lines.usage_period,
        lines.currency_code,
        lines.meter,
        accounts.gl_account,
        sum(lines.amount) as amount
    from lines
    left join books.gl_accounts as accounts
        on lines.posting = accounts.posting
        and lines.meter is not distinct from accounts.meter
    group by all
),

steps as (
    select
        'accrual' as step,
        'unbilled_receivable' as receivable,
        1 as sign,
        cast(null as varchar) as document_number,
        invoice_id,
        cast((select any_value(billing_period) from lines) + interval 1 month - interval 1 day as date) as posting_date
    from documents
    union all
    select 'reversal', 'unbilled_receivable', -1, document_number, invoice_id, issue_date
    from documents
    where issue_date is not null
    union all
    select 'invoice', 'accounts_receivable', 1, document_number, invoice_id, issue_date
    from documents
    where issue_date is not null
),

-- Of every step both sides: credits of income as negative, receivables as positive amounts.
sides as (
    select
        steps.step,
        steps.invoice_id,
        steps.posting_date,
        steps.document_number,
        earned.contract_id,
        earned.usage_period,
        earned.currency_code,
        earned.gl_account,
        earned.meter,
        -steps.sign * earned.amount as amount
    from steps
    inner join earned
        on steps.invoice_id = earned.invoice_id
    union all
    select
        steps.step,
        steps.invoice_id,
        steps.posting_date,
        steps.document_number,
        earned.contract_id,
        earned.usage_period,
        earned.currency_code,
        receivables.gl_account,
        null,
        sum(steps.sign * earned.amount)
    from steps
    inner join earned
        on steps.invoice_id = earned.invoice_id
    left join books.gl_accounts as receivables
        on steps.receivable = receivables.posting
    group by all
),

entries as (
    select
        issuers.entity,
        sides.step || ':' || sides.invoice_id as journal_id,
        sides.posting_date,
        cast(date_trunc('month', sides.posting_date) as date) as accounting_period,
        sides.usage_period as earned_period,
        sides.gl_account,
        sides.contract_id,
        sides.meter,
        sides.document_number,
        sides.currency_code,
        cast(greatest(sides.amount, 0) as decimal(18, 4)) as debit,
        cast(greatest(-sides.amount, 0) as decimal(18, 4)) as credit
    from sides
    cross join books.issuers as issuers
    where sides.amount <> 0
)

select *
from entries
order by posting_date, journal_id, earned_period, gl_account, meter
