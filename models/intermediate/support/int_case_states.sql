{# What holds after each event of a case, by windows alone: the severity and scope last said, whether the case is
   resolved, whether it waits for the customer. An event that says what holds already changes nothing. #}
with events as (
    select * from {{ ref('int_case_events') }}
    where not is_before_opening
),

scopes as (
    select * from {{ ref('support_scopes') }}
),

-- Without its OPENED, what each event states is the best that is known of the case.
marked as (
    select
        *,
        is_opening or event = 'SEVERITY_CHANGED' or opening_number is null as says_severity,
        is_opening or event = 'SCOPE_CHANGED' or opening_number is null as says_scope,
        case
            when event = 'RESOLVED' then true
            when is_opening or event = 'REOPENED' then false
        end as resolved_mark
    from events
),

said as (
    select
        * exclude (severity, scope, resolved_mark, says_severity, says_scope),
        last_value(case when says_severity then severity end ignore nulls) over so_far as severity,
        last_value(case when says_scope then scope end ignore nulls) over so_far as scope,
        coalesce(last_value(resolved_mark ignore nulls) over so_far, false) as is_resolved
    from marked
    window so_far as (partition by site_id, case_id order by event_number rows between unbounded preceding and current row)
),

-- A case that states no scope is covered.
covered as (
    select
        said.*,
        coalesce(scopes.is_covered, true) as is_covered
    from said
    left join scopes
        on said.scope = scopes.scope
),

changed as (
    select
        *,
        event = 'RESOLVED' and not coalesce(lag(is_resolved) over of_case, false) as is_resolution,
        event = 'REOPENED' and coalesce(lag(is_resolved) over of_case, true) as is_reopening,
        event = 'SEVERITY_CHANGED' and coalesce(severity <> lag(severity) over of_case, true) as is_severity_change,
        coalesce(is_covered <> lag(is_covered) over of_case, false) as is_coverage_change
    from covered
    window of_case as (partition by site_id, case_id order by event_number)
),

-- The customer is waited for until it replies, or the case is resolved without a reply.
waiting as (
    select
        *,
        coalesce(last_value(
            case
                when event = 'WAITING_ON_CUSTOMER' then true
                when event = 'CUSTOMER_REPLIED' or is_resolution then false
            end ignore nulls
        ) over so_far, false) as is_waiting
    from changed
    window so_far as (partition by site_id, case_id order by event_number rows between unbounded preceding and current row)
)

select * from waiting
