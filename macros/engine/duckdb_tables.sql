-- noqa: disable=LT02
{# LT02 is off: these are statements that Jinja makes, not selects that a person reads. #}
{# How DuckDB's tables and views are made: in their place, in one transaction. dbt-duckdb makes them under another name,
   renames twice and drops the old one, five statements and twenty macros more a model, for engines in which a reader
   would see the table gone; here it sees the old one until the commit (DECISIONS.md says what it saved). #}

{% materialization table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') %}
    {{- run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {{ drop_what_is_no('table') }}
        {%- if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
        create or replace table {{ target }} {{ get_table_columns_and_constraints() }};
        insert into {{ target }} by name (
            {{ sql }}
        )
        {%- else %}
        create or replace table {{ target }} as (
            {{ sql }}
        )
        {%- endif %}
    {%- endcall %}
    {{- run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{- return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') %}
    {{- run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {{ drop_what_is_no('view') }}
        {%- if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
        {%- endif %}
        create or replace view {{ target }} as (
            {{ sql }}
        )
    {%- endcall %}
    {{- run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{- return({'relations': [target]}) }}
{% endmaterialization %}

{# A model that was of another kind in an earlier build makes way. #}
{% macro drop_what_is_no(kind) %}
    {%- set existing = load_cached_relation(this) %}
    {%- if existing and existing.type != kind %}
        drop {{ existing.type }} {{ existing }};
    {%- endif %}
{% endmacro %}
