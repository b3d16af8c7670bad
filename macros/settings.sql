{# One setting of seeds/policy/settings.csv as text; what it does not state is the project's default. #}
{% macro setting(name) -%}
    coalesce((select max(value) from {{ ref('settings') }} where setting = '{{ name }}'), '{{ var("setting_defaults")[name] }}')
{%- endmacro %}
