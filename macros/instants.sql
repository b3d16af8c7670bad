{# The only place where an instant becomes a date, or a date an instant (SPEC R2). Plain integer
   arithmetic on the UTC instant and the site's offset: no session zone, no engine zone data. #}

{# The site-local calendar date of an instant, under the offset in force for the site at that instant. #}
{% macro site_date(instant, utc_offset_seconds) -%}
    cast(date '1970-01-01' + cast({{ whole_quotient('(' ~ micros_of(instant) ~ ' + cast(' ~ utc_offset_seconds ~ ' as bigint) * 1000000)', '86400000000') }} as integer) as date)
{%- endmacro %}

{# The instant at which a clock with this offset shows the midnight that starts a date. #}
{% macro instant_of_midnight(calendar_date, utc_offset_seconds) -%}
    {{ instant_of_micros('(cast(' ~ days_between("date '1970-01-01'", calendar_date) ~ ' as bigint) * 86400 - ' ~ utc_offset_seconds ~ ') * 1000000') }}
{%- endmacro %}

{# Stretches of 2^31 ms (24.9 days) since 1970: a coarse equality key that makes the join of instants to
   their offset a hash join with one or two candidates, however long the zone's history. #}
{% macro instant_bucket(instant) -%}
    {{ whole_quotient(millis_of(instant), '2147483648') }}
{%- endmacro %}

{# Seconds between two instants, exact. #}
{% macro seconds_between(from_instant, to_instant) -%}
    {{ whole_quotient('(' ~ micros_of(to_instant) ~ ' - ' ~ micros_of(from_instant) ~ ')', '1000000') }}
{%- endmacro %}

{# The UTC calendar date of an instant: for what runs on UTC clocks and has no site's calendar. #}
{% macro utc_date(instant) -%}
    {{ site_date(instant, 0) }}
{%- endmacro %}

{# Microseconds as minutes, six decimals. #}
{% macro minutes_of(microseconds) -%}
    {{ unscaled(rounded_quotient('cast(' ~ microseconds ~ ' as ' ~ wide_integer() ~ ')', 60), 6, 18) }}
{%- endmacro %}

{# The end of a half-open stretch as the last microsecond inside it. #}
{% macro last_moment_before(instant) -%}
    {{ instant_of_micros(micros_of(instant) ~ ' - 1') }}
{%- endmacro %}

{# What the ledger's instants can be at all: zone offsets cover [first, last). #}
{% macro first_instant() -%} {{ instant('1999-12-01 00:00:00+00') }} {%- endmacro %}
{% macro last_instant() -%} {{ instant('2100-01-01 00:00:00+00') }} {%- endmacro %}

{# INPUTS.md: an instant before 2000-01-01 or more than one day after LEDGER_AS_OF is not plausible. #}
{% macro is_plausible(moment, as_of) -%}
    ({{ moment }} >= {{ instant('2000-01-01 00:00:00+00') }}
        and {{ micros_of(moment) }} <= {{ micros_of(as_of) }} + 86400000000)
{%- endmacro %}
