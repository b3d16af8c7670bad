with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
),

current_tiers as (
    select
        'current' as terms_id,
        charge_id,
        tier_from,
        tier_to,
        coalesce(unit_price, 0) as unit_price,
        coalesce(flat_price, 0) as flat_price,
        effective_from,
        effective_to
    from {{ ref('rate_plan_tiers') }}
),

sealed_tiers as (
    select
        kept_terms.terms_id,
        sealed.* exclude (seal_period)
    from kept_terms
    inner join {{ ref('stg_sealed__rate_plan_tiers') }} as sealed
        on kept_terms.period = sealed.seal_period
),

tiers as (
    select * from current_tiers
    union all by name
    select * from sealed_tiers
)

select * from tiers
