{# Fails where a table has not exactly one row. #}
{% test has_one_row(model) %}
select count(*) as row_count
from {{ model }}
having count(*) <> 1
{% endtest %}
