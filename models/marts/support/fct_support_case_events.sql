with events as (
    select * from {{ ref('int_case_events') }}
),

states as (
    select * from {{ ref('int_case_states') }}
)

select
    events.site_id,
    events.case_id,
    events.event_number,
    events.event,
    events.occurred_at,
    events.opened_by,
    events.channel,
    states.severity,
    states.scope,
    states.is_covered,
    states.is_resolved,
    states.is_waiting,
    events.is_before_opening,
    events.incident_id
from events
left join states
    on events.site_id = states.site_id
    and events.case_id = states.case_id
    and events.event_number = states.event_number
