{# How far the clock of a case has run at each event: all the time before it but what the customer was waited for.
   Whole microseconds, so that no clock is rounded. After the last event time runs to LEDGER_AS_OF. #}
with states as (
    select * from {{ ref('int_case_states') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

stretches as (
    select
        states.*,
        epoch_us(states.occurred_at) as occurred_us,
        lead(states.event_number) over of_case is null as is_last,
        coalesce(
            lead(epoch_us(states.occurred_at)) over of_case,
            greatest(epoch_us(run.as_of), epoch_us(states.occurred_at))
        ) - epoch_us(states.occurred_at) as stretch_us
    from states
    cross join run
    window of_case as (partition by states.site_id, states.case_id order by states.event_number)
),

clocks as (
    select
        * exclude (stretch_us),
        case when is_waiting then stretch_us else 0 end as waiting_us,
        cast(coalesce(
            sum(case when is_waiting then 0 else stretch_us end) over (
                partition by site_id, case_id
                order by event_number
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as bigint) as clock_us
    from stretches
)

select * from clocks
