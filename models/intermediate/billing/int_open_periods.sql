{# The periods that billing holds as drafts: after the last seal, from the first billed, to the one asked for.
   Where a contract is in force only later, its credits wait for it: the calendar after PERIOD is looked at too. #}
with periods as (
    select * from {{ ref('int_periods') }}
),

first_billed as (
    select * from {{ ref('int_first_billed_period') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

open_periods as (
    select
        periods.period,
        periods.period = min(periods.period) over () as is_first,
        periods.period <= run.period as is_shown
    from periods
    cross join first_billed
    cross join run
    where not periods.is_closed
        and periods.period >= coalesce(first_billed.first_billed_period, periods.period)
)

select * from open_periods
