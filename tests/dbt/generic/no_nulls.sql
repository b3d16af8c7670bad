{# Fails with every row in which one of the columns is null. One test a model instead of dbt's one a column: what a test
   costs a run does not depend on how much it looks at. #}
{% test no_nulls(model, columns) %}
select {{ columns | join(', ') }}
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}
