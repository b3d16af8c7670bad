{# SPEC R12 for the feed support_cases: copies of one event that state different things. What one copy lacks is no
   difference. #}
with copies as (
    select * from {{ ref('int_case_event_copies') }}
    where rejected_reason is null
),

conflicts as (
    select
        site_id,
        case_id,
        event,
        occurred_at,
        {{ joined_key(['site_id', 'case_id', 'event', 'cast(epoch_ms(occurred_at) as varchar)']) }} as conflict_key,
        count(*) as copies,
        arg_min(file, place) as winner_file
    from copies
    group by site_id, case_id, event, occurred_at
    having count(distinct opened_by) > 1
        or count(distinct severity) > 1
        or count(distinct channel) > 1
        or count(distinct scope) > 1
        or count(distinct incident_id) > 1
)

select * from conflicts
