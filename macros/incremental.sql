-- noqa: disable=LT02
{# LT02 is off: these are statements that Jinja makes, not selects that a person reads. #}
{# Models that are rebuilt only where something changed. What they rest on is in int_inputs with fingerprints; what it
   was when they were last complete, in int_inputs_built; the same for what contracts say of a date. Both are data: the first build, a day's run, late files and a
   rebuild differ only in how much int_changed_inputs finds. #}

{# What a model that is rebuilt only where something changed is on this engine. #}
{% macro kept() -%} {{ return(adapter.dispatch('kept', 'dar_ledger')()) }} {%- endmacro %}
{% macro default__kept() -%} {{ return('incremental') }} {%- endmacro %}
{# Spark's tables are files without deletes: there all is made anew. #}
{% macro spark__kept() -%} {{ return('table') }} {%- endmacro %}

{# Where a model of this project is, whether it was built or not. #}
{% macro relation_of(name) %}
    {%- set node = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') | selectattr('name', 'equalto', name) | first %}
    {{- return(api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)) }}
{% endmacro %}

{# A table of an earlier build that this one goes on with; on Spark, where all is made anew, none. #}
{% macro as_built(relation) %}{{ return(adapter.dispatch('as_built', 'dar_ledger')(relation)) }}{% endmacro %}
{% macro default__as_built(relation) %}
    {{- return(adapter.get_relation(relation.database, relation.schema, relation.identifier)) }}
{% endmacro %}
{% macro spark__as_built(relation) %}{{ return(none) }}{% endmacro %}

{# A model as an earlier build left it; empty, with the columns given, before the first one. No ref: it is built later. #}
{% macro as_it_was(name, columns) %}
    {%- if execute %}
        {%- set relation = relation_of(name) %}
        {%- set found = as_built(relation) %}
    {%- endif %}
    {%- if found -%}
    select {{ columns.keys() | join(', ') }} from {{ found }}
    {%- else -%}
    select
    {%- for column, type in columns.items() %}
        cast(null as {{ type }}) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    where 1 = 0
    {%- endif %}
{%- endmacro %}

{# Before a build: where the last one did not end, or all is asked for, nothing of the incremental models is kept. A build
   of other models alone leaves them as they are; of rating alone (Spark has made the rest) rating starts anew if asked. #}
{% macro keep_only_what_is_complete() %}
    {%- if execute and flags.WHICH in ('build', 'run') %}
        {%- set models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model') %}
        {%- set models = models | selectattr('config.materialized', 'equalto', 'incremental') | list %}
        {%- set rating = models | selectattr('config.meta.changes', 'equalto', 'int_rating_changed') | list %}
        {%- if 'model.dar_ledger.int_changed_inputs' in selected_resources %}
            {%- set names = ['int_inputs_built', 'int_rating_built'] + models | map(attribute='name') | list %}
        {%- elif flags.FULL_REFRESH and 'model.dar_ledger.int_rating_changed' in selected_resources %}
            {%- set names = ['int_rating_built'] + rating | map(attribute='name') | list %}
        {%- else %}
            {%- set names = [] %}
        {%- endif %}
        {%- set found = [] %}
        {%- for name in names %}
            {%- set existing = as_built(relation_of(name)) %}
            {%- if existing %}{% do found.append(existing) %}{% endif %}
        {%- endfor %}
        {%- set complete = found | length == names | length and not flags.FULL_REFRESH %}
        {%- if names and complete %}
            {%- set complete = run_query('select count(*) from ' ~ relation_of('int_inputs_built')).columns[0].values()[0] > 0 %}
        {%- endif %}
        {%- if not complete %}
            {%- for relation in found %}{% do adapter.drop_relation(relation) %}{% endfor %}
        {%- endif %}
    {%- endif %}
{% endmacro %}

{# After int_changed_inputs: from here to int_inputs_built the incremental models are between two states. The same of
   rating, from int_rating_changed to int_rating_built. #}
{% macro forget_what_was_built(state) %}
    {%- if execute %}
        {%- set relation = relation_of(state) %}
        {%- set found = as_built(relation) %}
        {%- if found %}delete from {{ found }}{% endif %}
    {%- endif %}
{% endmacro %}
