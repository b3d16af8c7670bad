{# What all seals billed per (contract, charge, usage period): charges and earlier adjustments. #}
with sealed_lines as (
    select * from {{ ref('stg_sealed__invoice_lines') }}
    where charge_id is not null
),

billed as (
    select
        contract_id,
        charge_id,
        usage_period,
        arg_max(account_id, struct_pack(billed := billing_period, line := invoice_line_id)) as account_id,
        arg_max(currency_code, struct_pack(billed := billing_period, line := invoice_line_id)) as currency_code,
        arg_max(meter, struct_pack(billed := billing_period, line := invoice_line_id)) as meter,
        arg_max(charge_model, struct_pack(billed := billing_period, line := invoice_line_id)) as charge_model,
        arg_max(price_basis, struct_pack(billed := billing_period, line := invoice_line_id)) as price_basis,
        arg_max(terms_id, struct_pack(billed := billing_period, line := invoice_line_id)) as terms_id,
        cast(sum(quantity) as decimal(18, 6)) as quantity,
        cast(sum(amount) as decimal(18, 4)) as amount
    from sealed_lines
    group by contract_id, charge_id, usage_period
)

select * from billed
