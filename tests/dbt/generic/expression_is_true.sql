{# Fails with every row for which the expression is not true; unknown is not true. #}
{% test expression_is_true(model, expression, column_name=none, where=none) %}
select *
from {{ model }}
where {{ where or 'true' }} and not coalesce({{ column_name or '' }} {{ expression }}, false)
{% endtest %}
