{# SPEC 5, C6: what of the feed is usable, and which copy of an event counts. One event is one
   (site, case, event, instant), over all history. #}
with events as (
    select * from {{ ref('stg_support__case_events') }}
),

files as (
    select * from {{ ref('int_files') }}
),

event_rules as (
    select * from {{ ref('support_events') }}
),

openers as (
    select * from {{ ref('support_openers') }}
),

scopes as (
    select * from {{ ref('support_scopes') }}
),

severities as (
    select distinct severity from {{ ref('support_severities') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

known_sites as (
    select * from {{ ref('int_known_sites') }}
),

checked as (
    select
        events.*,
        files.file,
        event_rules.place_in_instant,
        event_rules.is_response,
        event_rules.is_update,
        case
            when known_sites.site_id is null then 'unknown_site'
            when events.occurred_at is null then 'no_instant'
            when not {{ is_plausible('events.occurred_at', 'run.as_of') }} then 'implausible_instant'
            when event_rules.event is null then 'unknown_event'
            when events.opened_by is not null and openers.opened_by is null then 'unknown_opener'
            when events.severity is not null and severities.severity is null then 'unknown_severity'
            when events.scope is not null and scopes.scope is null then 'unknown_scope'
            when events.severity is null and events.event in ('OPENED', 'SEVERITY_CHANGED') then 'no_severity'
            when events.scope is null and events.event = 'SCOPE_CHANGED' then 'no_scope'
        end as rejected_reason
    from events
    inner join files
        on events.content_id = files.content_id
    left join event_rules
        on events.event = event_rules.event
    left join openers
        on events.opened_by = openers.opened_by
    left join severities
        on events.severity = severities.severity
    left join scopes
        on events.scope = scopes.scope
    left join known_sites
        on events.site_id = known_sites.site_id
    cross join run
),

ranked as (
    select
        *,
        cast(case when rejected_reason is null then row_number() over (
                    partition by site_id, case_id, event, occurred_at, rejected_reason is null
                    order by file desc, record_index desc
                )
        end as bigint) as place
    from checked
)

select * from ranked
