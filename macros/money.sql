{# Exact arithmetic (SPEC P7): scaled integers in HUGEINT, one rounding, half away from zero. #}

{# A decimal as a whole number of 10^-digits. #}
{% macro scaled(value, digits) -%}
    cast(cast({{ value }} as decimal(38, {{ digits }})) * {{ '1' ~ '0' * digits }} as {{ wide_integer() }})
{%- endmacro %}

{# The quotient of two whole numbers, rounded half away from zero; the divisor is positive. #}
{% macro rounded_quotient(dividend, divisor) -%}
    (cast(sign({{ dividend }}) as {{ wide_integer() }}) * {{ whole_quotient('(2 * abs(' ~ dividend ~ ') + (' ~ divisor ~ '))', '(2 * (' ~ divisor ~ '))') }})
{%- endmacro %}

{# A whole number of 10^-digits as a decimal of that many digits. #}
{% macro unscaled(value, digits, width=38) -%}
    cast(cast({{ value }} as decimal(38, 0)) * 0.{{ '0' * (digits - 1) }}1 as decimal({{ width }}, {{ digits }}))
{%- endmacro %}

{# A quantity or price of the plan for a contract that is in force on a part of the month only
   (SPEC P6: rounded half away to 6 decimals); as it stands where all dates, or a full allowance, count. #}
{% macro for_stub(value, stub_days, stub_of_days) -%}
    case
        when {{ stub_days }} = {{ stub_of_days }} then cast({{ value }} as decimal(38, 9))
        else cast({{ unscaled(rounded_quotient(scaled(value, 9) ~ ' * ' ~ stub_days, stub_of_days ~ ' * 1000'), 6) }} as decimal(38, 9))
    end
{%- endmacro %}

{# 10 to a small whole power. #}
{% macro power_of_ten(exponent) -%}
    cast(power(10, {{ exponent }}) as {{ wide_integer() }})
{%- endmacro %}

{# An amount of four decimals as text with the digits of its currency's minor unit. #}
{% macro money_text(amount, minor_units) -%}
    rtrim(left(cast(cast({{ amount }} as decimal(18, 4)) as string), length(cast(cast({{ amount }} as decimal(18, 4)) as string)) - (4 - {{ minor_units }})), '.')
{%- endmacro %}

{# A number as a person writes it: no zeros at the end, no exponent. #}
{% macro plain_number(value) -%}
    rtrim(rtrim(cast(cast({{ value }} as decimal(38, 9)) as string), '0'), '.')
{%- endmacro %}
