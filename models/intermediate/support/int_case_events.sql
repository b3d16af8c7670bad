{# The events of a case in their order, each once. A case begins at its first OPENED: what is dated before takes no part.
   A case whose opening never arrived has all its events, and an opening_number of null. #}
with events as (
    select * from {{ ref('int_case_event_copies') }}
    where place = 1
),

numbered as (
    select
        site_id,
        case_id,
        event,
        occurred_at,
        opened_by,
        severity,
        channel,
        scope,
        incident_id,
        is_response,
        is_update,
        cast(row_number() over (partition by site_id, case_id order by occurred_at, place_in_instant) as bigint) as event_number
    from events
),

opened as (
    select
        *,
        min(case when event = 'OPENED' then event_number end) over (partition by site_id, case_id) as opening_number
    from numbered
),

placed as (
    select
        *,
        coalesce(event_number = opening_number, false) as is_opening,
        coalesce(event_number < opening_number, false) as is_before_opening
    from opened
)

select * from placed
