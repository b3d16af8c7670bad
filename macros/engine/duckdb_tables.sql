-- noqa: disable=LT02
{# LT02 is off: these are statements that Jinja makes, not selects that a person reads. #}
{# How DuckDB's tables and views are made: in their place, in one transaction, and what is large a slice after the other.
   dbt-duckdb makes them under another name, renames twice and drops the old one, five statements and twenty macros more a
   model (DECISIONS.md says what it costs); here a reader sees the old one until the commit anyway. #}

{% materialization table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') %}
    {{- run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {{ drop_what_is_no('table') }}
        {{ create_in_place('table', target, sql) }}
    {%- endcall %}
    {{- run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() %}
    {{- return({'relations': [target]}) }}
{% endmaterialization %}

{# Kept: rows whose unique_key is in the relation that meta.changes names go, the new ones come. #}
{% materialization incremental, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') %}
    {%- set existing = load_cached_relation(this) %}
    {%- set is_new = existing is none or existing.type != 'table' or should_full_refresh() %}
    {%- set coming = make_temp_relation(target).include(database=false, schema=false) %}
    {{- run_hooks(pre_hooks, inside_transaction=True) }}
    {%- call statement('main') %}
        {{ drop_what_is_no('table') }}
        {%- if is_new %}
        {{ create_in_place('table', target, sql) }}
        {%- else %}
        {{ create_in_place('temporary table', coming, sql) }}
        delete from {{ target }}
        using {{ relation_of(config.get('meta')['changes']) }} as changes
        where true
        {%- for column in config.get('unique_key') %}
            and {{ target.include(database=false, schema=false) }}.{{ column }} = changes.{{ column }}
        {%- endfor %};
        insert into {{ target }} by name (select * from {{ coming }});
        drop table {{ coming }}
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

{# The statements that fill a table with a select. #}
{% macro create_in_place(kind, target, sql) %}
    {%- if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
        create or replace {{ kind }} {{ target }} {{ get_table_columns_and_constraints() }};
        insert into {{ target }} by name (
            {{ sql }}
        );
    {%- else %}
        {%- set slices = config.get('meta', {}).get('slices') %}
        {%- set ends = slice_ends(slices) if slices else [none] %}
        {%- for end in ends %}
        {%- if slices %}
        {{ set_slice(slices['by'], none if loop.first else ends[loop.index0 - 1], none if loop.last else end) }}
        {%- endif %}
        {{ 'create or replace ' ~ kind ~ ' ' ~ target ~ ' as' if loop.first else 'insert into ' ~ target ~ ' by name' }} (
            {{ sql }}
        );
        {%- endfor %}
        {%- if slices %}
        {{ set_slice(slices['by'], none, none) }}
        {%- endif %}
    {%- endif %}
{% endmacro %}

{# The rows after one end and to another are made next; none: there is no such end. #}
{% macro set_slice(column, after, last) -%}
        {%- for name, end in (('after', after), ('to', last)) %}
        {{ 'reset variable ' ~ column ~ '_' ~ name if end is none else 'set variable ' ~ column ~ '_' ~ name ~ ' = ' ~ end }};
        {%- endfor %}
{%- endmacro %}

{# Where the slices of a model end, as literals: as many rows of the relation `of` or, of what is rebuilt by that column,
   of its changed rows, as the memory ceiling holds at `bytes_a_row`. No smaller: what a slice leaves half full, DuckDB
   packs once more. The last end is not used: the last slice takes the rest, and is the only one of little. #}
{% macro slice_ends(slices) %}
    {%- set keys = config.get('unique_key') or [] %}
    {%- set found = run_query(
        'select typeof(place) as type, cast(max(place) as varchar) as place from ('
        ~ ' select place, cast((sum(rows) over (order by place) - rows) * ' ~ var('bytes_a_row')
        ~ " // parse_formatted_bytes(current_setting('memory_limit')) as bigint) as slice from ("
        ~ ' select ' ~ slices['by'] ~ ' as place, count(*) as rows from ' ~ relation_of(slices['of'])
        ~ (' semi join ' ~ relation_of(config.get('meta')['changes']) ~ ' using (' ~ keys | join(', ') ~ ')' if slices['by'] in keys else '')
        ~ ' group by place'
        ~ ')) group by slice, typeof(place) order by slice'
    ) %}
    {%- set ends = [] %}
    {%- for row in found.rows %}
        {%- do ends.append("cast('" ~ row[1] ~ "' as " ~ row[0] ~ ")") %}
    {%- endfor %}
    {{- return(ends or [none]) }}
{% endmacro %}
