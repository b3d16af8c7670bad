with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
),

current_charges as (
    select
        'current' as terms_id,
        rate_plan_id,
        charge_id,
        meter,
        charge_model,
        included_quantity,
        block_size,
        credits_per_block,
        price_per_block,
        rounding,
        minimum_amount,
        maximum_amount,
        price_basis,
        effective_from,
        effective_to,
        description
    from {{ ref('rate_plan_charges') }}
),

sealed_charges as (
    select
        kept_terms.terms_id,
        sealed.rate_plan_id,
        sealed.charge_id,
        sealed.meter,
        sealed.charge_model,
        sealed.included_quantity,
        sealed.block_size,
        sealed.credits_per_block,
        sealed.price_per_block,
        sealed.rounding,
        sealed.minimum_amount,
        sealed.maximum_amount,
        sealed.price_basis,
        sealed.effective_from,
        sealed.effective_to,
        sealed.description
    from kept_terms
    inner join {{ ref('stg_sealed__rate_plan_charges') }} as sealed
        on kept_terms.period = sealed.seal_period
),

terms as (
    select * from current_charges
    union all
    select * from sealed_charges
)

select * from terms
