with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

periods as (
    select * from {{ ref('int_periods') }}
),

rules as (
    select * from {{ ref('activity_rules') }}
),

sealed_rules as (
    select * from {{ ref('stg_sealed__activity_rules') }}
),

-- A sealed period keeps the rules it was sealed with (SPEC C3).
effective as (
    select
        periods.period,
        rules.sender_kind,
        coalesce(sealed_rules.counts, rules.counts) as counts
    from periods
    cross join rules
    left join kept_terms
        on periods.period = kept_terms.period
    left join sealed_rules
        on kept_terms.period = sealed_rules.seal_period
        and rules.sender_kind = sealed_rules.sender_kind
)

select * from effective
