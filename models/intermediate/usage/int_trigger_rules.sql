with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

periods as (
    select * from {{ ref('int_periods') }}
),

rules as (
    select trigger, counts from {{ ref('trigger_rules') }}
),

sealed_rules as (
    select * from {{ ref('stg_sealed__trigger_rules') }}
),

effective as (
    select
        periods.period,
        rules.trigger,
        coalesce(sealed_rules.counts, rules.counts) as counts
    from periods
    cross join rules
    left join kept_terms
        on periods.period = kept_terms.period
    left join sealed_rules
        on kept_terms.period = sealed_rules.seal_period
        and rules.trigger = sealed_rules.trigger
)

select * from effective
