{# Whether a row is in the slice that is being made (`meta.slices` of the model, macros/engine/duckdb_tables.sql); true
   where a model is made as a whole. What an aggregate remembers of texts cannot be spilled to disk: a month that is
   larger than memory is grouped slice by slice. Spark divides its work by itself. #}
{% macro in_slice(column) -%}
    {{ adapter.dispatch('in_slice', 'dar_ledger')(column) }}
{%- endmacro %}

{% macro default__in_slice(column) -%}
    {%- set name = column.split('.') | last -%}
    (getvariable('{{ name }}_after') is null or {{ column }} > getvariable('{{ name }}_after'))
        and (getvariable('{{ name }}_to') is null or {{ column }} <= getvariable('{{ name }}_to'))
{%- endmacro %}

{% macro spark__in_slice(column) -%}
    true
{%- endmacro %}
