with source as (
    select * from {{ source('raw', 'sealed_invoices') }}
),

renamed as (
    select
        seal_period,
        invoice_id,
        document_type,
        document_number,
        account_id,
        contract_id,
        billing_period,
        issue_date,
        due_date,
        service_from,
        service_to,
        purchase_order,
        lines,
        amount,
        currency_code
    from source
)

select * from renamed
