{# What is known of a case as a whole, as of LEDGER_AS_OF. A reopened case was not resolved. #}
with clocks as (
    select * from {{ ref('int_case_clocks') }}
),

openers as (
    select * from {{ ref('support_openers') }}
),

severities as (
    select * from {{ ref('support_severities') }}
),

accounts as (
    select * from {{ ref('int_site_history') }}
),

resolutions as (
    select
        *,
        max(case when is_resolution then event_number end) over (partition by site_id, case_id) as last_resolution
    from clocks
),

cases as (
    select
        site_id,
        case_id,
        min(occurred_at) as first_event_at,
        min(case when is_opening then occurred_at end) as opened_at,
        min_by(opened_by, event_number) as opened_by,
        min_by(channel, event_number) as channel,
        min_by(severity, event_number) as opening_severity,
        max_by(severity, event_number) as severity,
        max_by(scope, event_number) as scope,
        max_by(is_covered, event_number) as is_covered,
        max_by(incident_id, event_number) as incident_id,
        case
            when max_by(is_resolved, event_number) then 'resolved'
            when max_by(is_waiting, event_number) then 'waiting'
            else 'open'
        end as status,
        min(case when is_response and (not is_resolved or is_resolution) then occurred_at end) as first_response_at,
        max(case when is_resolution then occurred_at end) as last_resolved_at,
        max(case when is_reopening then occurred_at end) as reopened_at,
        cast(count_if(is_reopening) as bigint) as reopenings,
        min(
            case when event = 'RCA_DELIVERED' and is_resolved and event_number > last_resolution then occurred_at end
        ) as last_analysis_at,
        cast(sum(case when is_resolved then 0 else waiting_us end) as bigint) as paused_us,
        count(*) as events
    from resolutions
    group by site_id, case_id
),

described as (
    select
        cases.* exclude (last_resolved_at, last_analysis_at, paused_us),
        accounts.account_id,
        case when cases.status = 'resolved' then cases.last_resolved_at end as resolved_at,
        case when cases.status = 'resolved' then cases.last_analysis_at end as rca_delivered_at,
        {{ minutes_of('cases.paused_us') }} as paused_minutes,
        -- Nobody chose a channel for what the provider found itself; what is not stated is not judged.
        case
            when openers.has_contact_method and cases.channel is null then null
            when openers.has_contact_method and severities.severity is not null
                then coalesce(list_contains(string_split(severities.contact_methods, '|'), cases.channel), severities.contact_methods is null)
        end as is_contact_method_valid
    from cases
    inner join accounts
        on cases.site_id = accounts.site_id
        and cases.first_event_at >= accounts.valid_from
        and cases.first_event_at < accounts.valid_to
    left join openers
        on cases.opened_by = openers.opened_by
    left join severities
        on cases.opening_severity = severities.severity
        and {{ in_force(utc_date('cases.opened_at'), 'severities.effective_from', 'severities.effective_to') }}
)

select * from described
