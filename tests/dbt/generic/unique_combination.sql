-- noqa: disable=LT02
{# LT02 is off: what is inside a test is the test, at its margin. #}
{# Fails with every combination of the columns that stands in more than one row and, with `no_nulls`, with every row that
   lacks one of them. Of a model that keeps what did not change only the rows that this build made anew, by the key
   `changed_by` of what it names `changed_in`: columns in which twins agree. The rest was looked at by the build that made
   it; after one that failed, all is made anew. #}
{% test unique_combination(model, columns, no_nulls=false, changed_in=none, changed_by=['site_id', 'activity_date']) %}
{{ config(tags=['changed']) if changed_in }}
{% set anew = ' semi join ' ~ changed_in ~ ' using (' ~ changed_by | join(', ') ~ ')' if changed_in else '' %}
{% set or_null = ' or ' ~ columns | join(' is null or ') ~ ' is null' if no_nulls else '' %}
select {{ columns | join(', ') }}, count(*) as copies
from {{ model ~ anew }}
group by all
having count(*) > 1 {{ or_null }}
{% endtest %}
