{# Fails with every key whose rows do not all say the same in the columns. #}
{% test same_on_every_row_of(model, key, columns) %}
select {{ key }}
from {{ model }}
group by {{ key }}
having {% for column in columns %}count(distinct {{ column }}) > 1{{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}
