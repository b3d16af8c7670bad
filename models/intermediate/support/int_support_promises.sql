{# When each promise is due, and what became of it. Due is the earliest instant at which the case's clock has run the
   promised time since the promise began; what is still open is judged as of LEDGER_AS_OF. #}
with spans as (
    select * from {{ ref('int_promise_spans') }}
),

clocks as (
    select * from {{ ref('int_case_clocks') }}
),

severities as (
    select * from {{ ref('support_severities') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

-- The row in force when the clock starts; a severity that promises nothing has no promise.
promised as (
    select
        spans.*,
        starts.severity, starts.is_covered,
        starts.occurred_us as started_us,
        ends.occurred_us as ended_us,
        ends.clock_us as end_clock_us,
        starts.clock_us + case spans.kind
            when 'response' then cast(severities.response_minutes as bigint) * 60000000
            when 'update' then cast(severities.update_interval_minutes as bigint) * 60000000
            else cast(severities.root_cause_analysis_hours as bigint) * 3600000000
        end as due_clock_us,
        due_clock_us - starts.clock_us as promised_us
    from spans
    inner join clocks as starts
        on spans.site_id = starts.site_id
        and spans.case_id = starts.case_id
        and spans.start_number = starts.event_number
    left join clocks as ends
        on spans.site_id = ends.site_id
        and spans.case_id = ends.case_id
        and spans.end_number = ends.event_number
    inner join severities
        on starts.severity = severities.severity
        and {{ in_force(utc_date('starts.occurred_at'), 'severities.effective_from', 'severities.effective_to') }}
    where due_clock_us is not null
),

-- From where the clock of a case goes on at each of its values: the last event that has it, after a wait that lasts.
resumed as (
    select
        site_id,
        case_id,
        clock_us,
        max(occurred_us) as resumed_us,
        sum(case when is_last then waiting_us else 0 end) as lasting_us
    from clocks
    group by all
),

-- Due where the clock reaches the promise; what ended before is due as if the clock had run on from its end.
reached as (
    select
        promised.*,
        cast(promised.due_clock_us + case
            when promised.end_clock_us < promised.due_clock_us then promised.ended_us - promised.end_clock_us
            when promised.end_number is null then resumed.resumed_us + resumed.lasting_us - resumed.clock_us
            else resumed.resumed_us - resumed.clock_us
        end as bigint) as due_us
    from promised
    asof inner join resumed
        on promised.site_id = resumed.site_id
        and promised.case_id = resumed.case_id
        and promised.due_clock_us > resumed.clock_us
),

judged as (
    select
        reached.site_id,
        reached.case_id,
        reached.kind,
        row_number() over (partition by reached.site_id, reached.case_id, reached.kind order by reached.start_number) as promise_sequence,
        reached.severity,
        make_timestamptz(reached.started_us) as clock_started_at,
        make_timestamptz(reached.due_us) as due_at,
        {{ minutes_of('reached.promised_us') }} as promised_minutes,
        {{ minutes_of('reached.due_us - reached.started_us - reached.promised_us') }} as paused_minutes,
        case when reached.is_kept then make_timestamptz(reached.ended_us) end as kept_at,
        case
            when not reached.is_covered then 'not_covered'
            when reached.is_kept and reached.ended_us <= reached.due_us then 'met'
            when coalesce(reached.ended_us, epoch_us(run.as_of)) > reached.due_us then 'missed'
            when reached.is_coverage_lost then 'not_covered'
            when reached.ended_us is not null then 'excused'
            else 'open'
        end as outcome
    from reached
    cross join run
)

select * from judged
