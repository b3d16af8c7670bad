{# Fails with every combination of the columns that stands in more than one row. #}
{% test unique_combination(model, columns) %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model }}
group by all
having count(*) > 1
{% endtest %}
