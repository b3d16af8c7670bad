{# Dates in each engine's words. #}

{# Whole days from one date to another. #}
{% macro days_between(from_date, to_date) -%} {{ adapter.dispatch('days_between', 'dar_ledger')(from_date, to_date) }} {%- endmacro %}
{% macro default__days_between(from_date, to_date) -%} cast({{ to_date }} - {{ from_date }} as integer) {%- endmacro %}
{% macro spark__days_between(from_date, to_date) -%} datediff({{ to_date }}, {{ from_date }}) {%- endmacro %}

{# The first day of the month that many months after another. #}
{% macro month_after(period, months) -%} {{ adapter.dispatch('month_after', 'dar_ledger')(period, months) }} {%- endmacro %}
{% macro default__month_after(period, months) -%} cast({{ period }} + to_months(cast({{ months }} as integer)) as date) {%- endmacro %}
{% macro spark__month_after(period, months) -%} add_months({{ period }}, cast({{ months }} as integer)) {%- endmacro %}

{# The first day of the calendar month of a date. #}
{% macro first_of_month(calendar_date) -%} {{ adapter.dispatch('first_of_month', 'dar_ledger')(calendar_date) }} {%- endmacro %}
{% macro default__first_of_month(calendar_date) -%} cast(date_trunc('month', {{ calendar_date }}) as date) {%- endmacro %}
{% macro spark__first_of_month(calendar_date) -%} trunc({{ calendar_date }}, 'MM') {%- endmacro %}

{# A select column that makes a row of each date, the last one included; the first is never after it. #}
{% macro each_date(first_date, last_date) -%} {{ adapter.dispatch('each_date', 'dar_ledger')(first_date, last_date) }} {%- endmacro %}
{% macro default__each_date(first_date, last_date) -%} cast(unnest(generate_series({{ first_date }}, {{ last_date }}, interval 1 day)) as date) {%- endmacro %}
{% macro spark__each_date(first_date, last_date) -%} explode(sequence({{ first_date }}, {{ last_date }}, interval 1 day)) {%- endmacro %}

{# The same by calendar months. #}
{% macro each_month(first_period, last_period) -%} {{ adapter.dispatch('each_month', 'dar_ledger')(first_period, last_period) }} {%- endmacro %}
{% macro default__each_month(first_period, last_period) -%} cast(unnest(generate_series({{ first_period }}, {{ last_period }}, interval 1 month)) as date) {%- endmacro %}
{% macro spark__each_month(first_period, last_period) -%} explode(sequence({{ first_period }}, {{ last_period }}, interval 1 month)) {%- endmacro %}
