{# The rules of metering that hold in each period: a sealed period keeps exactly the rows it was metered with, all
   others have today's (SPEC C3). #}
{% macro rules_of_periods(rules, sealed_rules, key, value) -%}
with kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

periods as (
    select * from {{ ref('int_periods') }}
),

rules as (
    select {{ key }}, {{ value }} from {{ rules }}
),

sealed_rules as (
    select * from {{ sealed_rules }}
),

effective as (
    select
        periods.period,
        rules.{{ key }},
        rules.{{ value }}
    from periods
    cross join rules
    where periods.period not in (select period from kept_terms)
    union all
    select
        kept_terms.period,
        sealed_rules.{{ key }},
        sealed_rules.{{ value }}
    from kept_terms
    inner join sealed_rules
        on kept_terms.metering_seal = sealed_rules.seal_period
)

select * from effective
{%- endmacro %}
