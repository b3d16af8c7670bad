with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
),

current_channels as (
    select
        'current' as terms_id,
        rate_plan_id,
        channel
    from {{ ref('rate_plan_channels') }}
),

sealed_channels as (
    select
        kept_terms.terms_id,
        sealed.rate_plan_id,
        sealed.channel
    from kept_terms
    inner join {{ ref('stg_sealed__rate_plan_channels') }} as sealed
        on kept_terms.period = sealed.seal_period
),

channels as (
    select * from current_channels
    union all
    select * from sealed_channels
)

select * from channels
