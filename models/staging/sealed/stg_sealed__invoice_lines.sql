with source as (
    select * from {{ source('raw', 'sealed_invoice_lines') }}
),

renamed as (
    select
        seal_period,
        invoice_line_id,
        invoice_id,
        account_id,
        contract_id,
        billing_period,
        usage_period,
        usage_from,
        usage_to,
        line_kind,
        charge_id,
        meter,
        description,
        quantity,
        included_quantity,
        billable_quantity,
        block_size,
        rounding,
        blocks,
        credits,
        unit_price,
        price_basis,
        amount,
        currency_code,
        billed_before_quantity,
        billed_before_amount,
        reasons,
        charge_model,
        terms_id,
        credit_id
    from source
)

select * from renamed
