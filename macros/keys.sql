{# Ids as one key that no other ids share: joined with slashes; a slash inside an id is %2F and a per cent sign %25. #}
{% macro joined_key(ids) -%}
    concat_ws('/'
    {%- for id in ids -%}
        , replace(replace({{ id }}, '%', '%25'), '/', '%2F')
    {%- endfor -%}
    )
{%- endmacro %}
