with source as (
    select * from {{ source('raw', 'sealed_invoice_line_terms') }}
),

renamed as (
    select
        seal_period,
        invoice_line_id,
        part_number,
        part_from,
        part_to,
        terms_id,
        rate_plan_id,
        charge_id,
        meter,
        charge_model,
        price_basis,
        description,
        stated_included_quantity,
        stub_days,
        stub_of_days,
        included_quantity,
        block_size,
        rounding,
        credits_per_block,
        unit_price,
        minimum_amount,
        maximum_amount,
        is_suspended,
        quantity_before,
        quantity,
        billable_before,
        billable_quantity,
        blocks,
        credits,
        cost_arithmetic,
        cost,
        amount_arithmetic,
        amount,
        currency_code,
        minor_units
    from source
)

select * from renamed
