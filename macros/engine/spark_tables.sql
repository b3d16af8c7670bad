-- noqa: disable=LT02
{# LT02 is off: these are statements that Jinja makes, not selects that a person reads. #}
{# What dbt-spark needs to take this project's types and seeds, and the two ends of Spark's part: the raw tables that it
   reads and the edge tables that DuckDB's part reads. DuckDB calls none of it. #}

{# A type of the project's yml in Spark's words. #}
{% macro spark_type(data_type) -%}
    {%- set type = data_type | trim | lower -%}
    {%- set words = {'varchar': 'string', 'timestamptz': 'timestamp', 'timestamp with time zone': 'timestamp'} -%}
    {{ return(words.get(type, type)) }}
{%- endmacro %}

{# A contract's columns, for comparing with the model's. #}
{% macro spark__get_empty_schema_sql(columns) %}
    select
    {% for name, column in columns.items() %}
        cast(null as {{ spark_type(column['data_type']) }}) as {{ column['name'] }}{{ ',' if not loop.last }}
    {% endfor %}
{% endmacro %}

{# A policy file as one table; dbt-spark's own macro neither maps types nor escapes quotes. #}
{% macro spark__create_csv_table(model, agate_table) %}
    {% set types = model['config'].get('column_types', {}) %}
    {% set sql %}
        create table {{ this.render() }} (
        {%- for column in agate_table.column_names %}
            {{ column }} {{ spark_type(types[column]) }}{{ ',' if not loop.last }}
        {%- endfor %}
        )
    {% endset %}
    {% call statement('_') %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{% endmacro %}

{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = model['config'].get('column_types', {}) %}
    {% set columns = agate_table.column_names %}
    {% set sql %}
        insert into {{ this.render() }} values
        {% for row in agate_table.rows %}
            (
            {%- for value in row -%}
                cast({{ spark_text(value) }} as {{ spark_type(types[columns[loop.index0]]) }}){{ ', ' if not loop.last }}
            {%- endfor -%}
            ){{ ',' if not loop.last }}
        {% endfor %}
    {% endset %}
    {% if agate_table.rows | length %}{% do adapter.add_query(sql, abridge_sql_log=True) %}{% endif %}
    {{ return(sql) }}
{% endmacro %}

{% macro spark_text(value) %}
    {%- if value is none -%}{{ return('null') }}{%- endif -%}
    {{ return("'" ~ (value | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'") }}
{% endmacro %}

{# The raw tables as Parquet folders, one a table, under a folder or an object store's address. Their columns are stated:
   a table without rows has no file that would tell them. #}
{% macro register_raw_tables(location, tables) %}
    {% do run_query('create schema if not exists raw') %}
    {% for name, table in tables.items() %}
        {% set relation = 'raw.' ~ name %}
        {% do run_query('drop table if exists ' ~ relation) %}
        {% do run_query(
            'create table ' ~ relation ~ ' (' ~ table['spark_schema'] ~ ') using parquet '
            ~ ('partitioned by (' ~ table['partitioned_by'] ~ ') ' if table['partitioned_by'] else '')
            ~ "location '" ~ location ~ '/' ~ name ~ "'"
        ) %}
        {% if table['partitioned_by'] %}{% do run_query('msck repair table ' ~ relation) %}{% endif %}
    {% endfor %}
{% endmacro %}

{# Tables, given as schema.name, as Parquet folders <location>/<schema>/<name>: written by the executors. #}
{% macro export_tables(location, tables) %}
    {% for table in tables %}
        {% do run_query(
            "insert overwrite directory '" ~ location ~ '/' ~ table | replace('.', '/')
            ~ "' using parquet select * from " ~ table
        ) %}
    {% endfor %}
{% endmacro %}
