{# Fails with every row of a key that begins later than the row before it has ended. #}
{% test no_gaps_between_periods(model, key, effective_from, effective_to) %}
with terms as (
    select
        {{ key | join(', ') }},
        {{ effective_from }} as term_from,
        lag({{ effective_to }}) over same_key as earlier_to
    from {{ model }}
    window same_key as (partition by {{ key | join(', ') }} order by {{ effective_from }})
)

select *
from terms
where earlier_to < term_from
{% endtest %}
