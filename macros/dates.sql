{# Dates and half-open terms. #}

{# The period (first day of the calendar month) of a date. #}
{% macro period_of(calendar_date) -%}
    {{ first_of_month(calendar_date) }}
{%- endmacro %}

{# The first day of the period that many months later. #}
{% macro add_months(period, months) -%}
    {{ month_after(period, months) }}
{%- endmacro %}

{# Is a half-open dated term in force on a date? An empty end is open. #}
{% macro in_force(calendar_date, effective_from, effective_to) -%}
    ({{ calendar_date }} >= {{ effective_from }} and ({{ effective_to }} is null or {{ calendar_date }} < {{ effective_to }}))
{%- endmacro %}

{# 2026-10-01 as 2026-10. #}
{% macro period_text(period) -%}
    substr(cast({{ period }} as string), 1, 7)
{%- endmacro %}

{# A period written as YYYY-MM or YYYY-MM-01 in a policy file. #}
{% macro parse_period(text) -%}
    try_cast(substr({{ text }}, 1, 7) || '-01' as date)
{%- endmacro %}
