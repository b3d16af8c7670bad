{# Whole numbers, rows of values, hashes and types in each engine's words. #}

{# A whole quotient of whole numbers, cut off towards zero. #}
{% macro whole_quotient(dividend, divisor) -%} {{ adapter.dispatch('whole_quotient', 'dar_ledger')(dividend, divisor) }} {%- endmacro %}
{% macro default__whole_quotient(dividend, divisor) -%} ({{ dividend }} // {{ divisor }}) {%- endmacro %}
{% macro spark__whole_quotient(dividend, divisor) -%} ({{ dividend }} div {{ divisor }}) {%- endmacro %}

{# The widest whole number: 128 bits, or 38 digits. #}
{% macro wide_integer() -%} {{ adapter.dispatch('wide_integer', 'dar_ledger')() }} {%- endmacro %}
{% macro default__wide_integer() -%} hugeint {%- endmacro %}
{% macro spark__wide_integer() -%} decimal(38, 0) {%- endmacro %}

{# Values under names, compared in this order. None may be null: the engines sort null at different ends. #}
{% macro record_of(values) -%} {{ adapter.dispatch('record_of', 'dar_ledger')(values) }} {%- endmacro %}
{% macro default__record_of(values) -%}
    { {% for name, value in values.items() %}'{{ name }}': {{ value }}{{ ', ' if not loop.last }}{% endfor %} }
{%- endmacro %}
{% macro spark__record_of(values) -%}
    named_struct({% for name, value in values.items() %}'{{ name }}', {{ value }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{# A select column that makes a row of each whole number, the last one included; the first is never above it. #}
{% macro each_number(first_number, last_number) -%} {{ adapter.dispatch('each_number', 'dar_ledger')(first_number, last_number) }} {%- endmacro %}
{% macro default__each_number(first_number, last_number) -%} unnest(generate_series({{ first_number }}, {{ last_number }})) {%- endmacro %}
{% macro spark__each_number(first_number, last_number) -%} explode(sequence({{ first_number }}, {{ last_number }})) {%- endmacro %}

{# SHA-256 of a text in UTF-8, lower-case hex. #}
{% macro sha256_of(text) -%} {{ adapter.dispatch('sha256_of', 'dar_ledger')(text) }} {%- endmacro %}
{% macro default__sha256_of(text) -%} sha256({{ text }}) {%- endmacro %}
{% macro spark__sha256_of(text) -%} sha2({{ text }}, 256) {%- endmacro %}
