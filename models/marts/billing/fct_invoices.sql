with lines as (
    select * from {{ ref('fct_invoice_lines') }}
),

sealed_invoices as (
    select * from {{ ref('stg_sealed__invoices') }}
),

contracts as (
    select * from {{ ref('stg_reference__contracts') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

drafts as (
    select
        invoice_id,
        account_id,
        contract_id,
        billing_period,
        currency_code,
        status,
        min(usage_from) as service_from,
        max(usage_to) as service_to,
        count(*) as lines,
        cast(sum(amount) as decimal(18, 4)) as amount
    from lines
    where status <> 'final'
    group by all
),

-- Number, issue and due date are given at close.
drafted as (
    select
        drafts.invoice_id,
        case
            when drafts.amount > 0 then 'invoice'
            when drafts.amount < 0 then 'credit_note'
            else 'statement'
        end as document_type,
        cast(null as varchar) as document_number,
        drafts.account_id,
        drafts.contract_id,
        drafts.billing_period,
        cast(null as date) as issue_date,
        cast(null as date) as due_date,
        drafts.service_from,
        drafts.service_to,
        contracts.purchase_order,
        drafts.lines,
        drafts.amount,
        drafts.currency_code,
        drafts.status
    from drafts
    left join contracts
        on drafts.contract_id = contracts.contract_id
),

finals as (
    select
        sealed_invoices.* exclude (seal_period),
        'final' as status
    from sealed_invoices
    cross join run
    where sealed_invoices.billing_period <= run.period
),

invoices as (
    select * from drafted
    union all by name
    select * from finals
)

select * from invoices
