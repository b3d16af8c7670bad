{# Fails with every word, and every value of the same column of another table, that no row of the column has. #}
{% test covers(model, column, words=[], of=none) %}
select wanted.value
from (
    {% if of %}
    select {{ column }} as value from {{ of }}
    {% else %}
    select unnest({{ words }}) as value
    {% endif %}
) as wanted
where wanted.value not in (select {{ column }} from {{ model }} where {{ column }} is not null)
{% endtest %}
