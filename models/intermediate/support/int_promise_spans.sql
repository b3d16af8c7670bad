{# Which promises begin, and at which event each is kept or ends. Response and updates are owed while a case is open:
   from its opening, a reopening, a change of severity or of coverage; a root cause analysis from a resolution on. #}
with states as (
    select * from {{ ref('int_case_states') }}
),

flagged as (
    select
        *,
        not is_resolved and (is_opening or is_reopening or is_severity_change) as starts_response,
        not is_resolved and (is_opening or is_reopening or is_severity_change or is_coverage_change) as starts_anew,
        is_response and (not is_resolved or is_resolution) as responds,
        is_update and (not is_resolved or is_resolution) as updates,
        event = 'RCA_DELIVERED' as delivers_analysis
    from states
),

seen as (
    select
        *,
        coalesce(max(case when starts_response then event_number end) over so_far, 0) as response_owed_from,
        coalesce(max(case when responds then event_number end) over so_far, 0) as last_response,
        min(case when responds or starts_anew or is_resolution then event_number end) over ahead as response_end,
        min(case when updates or starts_anew or is_resolution then event_number end) over ahead as update_end,
        min(
            case when delivers_analysis or is_reopening or (is_coverage_change and not is_covered) then event_number end
        ) over ahead as analysis_end
    from flagged
    window
        so_far as (partition by site_id, case_id order by event_number rows between unbounded preceding and current row),
        ahead as (partition by site_id, case_id order by event_number rows between 1 following and unbounded following)
),

-- Coverage that changes does not ask for a response that was given.
started as (
    select site_id, case_id, 'response' as kind, event_number as start_number, response_end as end_number
    from seen
    where starts_anew
        and response_owed_from >= last_response
    union all
    select site_id, case_id, 'update', event_number, update_end
    from seen
    where starts_anew
        or (updates and not is_resolved)
    union all
    select site_id, case_id, 'rca', event_number, analysis_end
    from seen
    where is_resolution
),

spans as (
    select
        started.*,
        case started.kind
            when 'response' then coalesce(ends.responds, false)
            when 'update' then coalesce(ends.updates, false)
            else coalesce(ends.delivers_analysis, false)
        end as is_kept,
        coalesce(ends.is_coverage_change and not ends.is_covered, false) as is_coverage_lost
    from started
    inner join seen as starts
        on started.site_id = starts.site_id
        and started.case_id = starts.case_id
        and started.start_number = starts.event_number
    left join seen as ends
        on started.site_id = ends.site_id
        and started.case_id = ends.case_id
        and started.end_number = ends.event_number
    -- What is taken back in the instant in which it was promised was never promised; two updates in one instant are one.
    where ends.occurred_at is distinct from starts.occurred_at
        or (
            case started.kind when 'response' then ends.responds when 'update' then ends.updates else ends.delivers_analysis end
            and not (started.kind = 'update' and starts.updates)
        )
)

select * from spans
