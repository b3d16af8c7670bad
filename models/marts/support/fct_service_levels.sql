{# Of what was judged: promises met and missed. Open, excused and uncovered ones are shown and not judged. #}
with promises as (
    select * from {{ ref('int_support_promises') }}
),

cases as (
    select * from {{ ref('int_support_cases') }}
),

counted as (
    select
        cases.account_id,
        promises.severity,
        promises.kind,
        {{ period_of(utc_date('promises.due_at')) }} as due_month,
        count(*) as promises,
        cast(count_if(promises.outcome = 'met') as bigint) as met,
        cast(count_if(promises.outcome = 'missed') as bigint) as missed,
        cast(count_if(promises.outcome = 'open') as bigint) as open,
        cast(count_if(promises.outcome = 'excused') as bigint) as excused,
        cast(count_if(promises.outcome = 'not_covered') as bigint) as not_covered
    from promises
    inner join cases
        on promises.site_id = cases.site_id
        and promises.case_id = cases.case_id
    group by all
)

select
    account_id,
    severity,
    kind,
    due_month,
    promises,
    met,
    missed,
    open,
    excused,
    not_covered,
    case when met + missed > 0 then {{ unscaled(rounded_quotient('met * 1000000', 'met + missed'), 6, 9) }} end as percent
from counted
