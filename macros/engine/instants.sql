{# Instants in each engine's words; both keep microseconds since 1970 in UTC and never read a session's zone here. #}

{% macro micros_of(instant) -%} {{ adapter.dispatch('micros_of', 'dar_ledger')(instant) }} {%- endmacro %}
{% macro default__micros_of(instant) -%} epoch_us({{ instant }}) {%- endmacro %}
{% macro spark__micros_of(instant) -%} unix_micros({{ instant }}) {%- endmacro %}

{% macro millis_of(instant) -%} {{ adapter.dispatch('millis_of', 'dar_ledger')(instant) }} {%- endmacro %}
{% macro default__millis_of(instant) -%} epoch_ms({{ instant }}) {%- endmacro %}
{% macro spark__millis_of(instant) -%} unix_millis({{ instant }}) {%- endmacro %}

{% macro instant_of_micros(micros) -%} {{ adapter.dispatch('instant_of_micros', 'dar_ledger')(micros) }} {%- endmacro %}
{% macro default__instant_of_micros(micros) -%} make_timestamptz({{ micros }}) {%- endmacro %}
{% macro spark__instant_of_micros(micros) -%} timestamp_micros({{ micros }}) {%- endmacro %}

{# An instant written as `2000-01-01 00:00:00+00`. #}
{% macro instant(text) -%} {{ adapter.dispatch('instant', 'dar_ledger')(text) }} {%- endmacro %}
{% macro default__instant(text) -%} timestamptz '{{ text }}' {%- endmacro %}
{% macro spark__instant(text) -%} timestamp_ltz '{{ text }}' {%- endmacro %}
