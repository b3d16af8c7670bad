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

-- A sealed period keeps exactly the rows it was metered with (SPEC C3).
effective as (
    select
        periods.period,
        rules.trigger,
        rules.counts
    from periods
    cross join rules
    where periods.period not in (select period from kept_terms)
    union all
    select
        kept_terms.period,
        sealed_rules.trigger,
        sealed_rules.counts
    from kept_terms
    inner join sealed_rules
        on kept_terms.metering_seal = sealed_rules.seal_period
)

select * from effective
