{# Lists of values in each engine's words. #}

{# An aggregate: the values of a group as one text, in an order, with commas between. Only texts, and no value is null. #}
{% macro text_in_order(value, order) -%} {{ adapter.dispatch('text_in_order', 'dar_ledger')(value, order) }} {%- endmacro %}
{% macro default__text_in_order(value, order) -%} string_agg({{ value }}, ',' order by {{ order }}) {%- endmacro %}
{% macro spark__text_in_order(value, order) -%} listagg({{ value }}, ',') within group (order by {{ order }}) {%- endmacro %}

{# An aggregate: the values of a group as a list, in no order. #}
{% macro list_of(value) -%} {{ adapter.dispatch('list_of', 'dar_ledger')(value) }} {%- endmacro %}
{% macro default__list_of(value) -%} list({{ value }}) {%- endmacro %}
{% macro spark__list_of(value) -%} collect_list({{ value }}) {%- endmacro %}

{# A select column that makes a row of each value of a list; none where the list is null or empty. #}
{% macro each_of(values) -%} {{ adapter.dispatch('each_of', 'dar_ledger')(values) }} {%- endmacro %}
{% macro default__each_of(values) -%} unnest({{ values }}) {%- endmacro %}
{% macro spark__each_of(values) -%} explode({{ values }}) {%- endmacro %}
