{# Fails with every row whose half-open term begins before the term before it, of the same key, has ended. #}
{% test no_overlapping_periods(model, key, effective_from, effective_to) %}
with terms as (
    select
        {{ key | join(', ') }},
        {{ effective_from }} as term_from,
        {{ effective_to }} as term_to,
        lag({{ effective_from }}) over same_key as earlier_from,
        lag({{ effective_to }}) over same_key as earlier_to
    from {{ model }}
    window same_key as (partition by {{ key | join(', ') }} order by {{ effective_from }})
)

select *
from terms
where term_to <= term_from
    or (earlier_from is not null and (earlier_to is null or earlier_to > term_from))
{% endtest %}
