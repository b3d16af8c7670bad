{# SPEC C6: what became of every record that was received, per feed, site and activity date. #}
with conversations as (
    select * from {{ ref('int_conversation_outcomes') }}
),

contested as (
    select * from {{ ref('int_messages_contested') }}
    where place > 1
),

offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

without_consumer as (
    select * from {{ ref('int_messages_without_consumer') }}
),

unusable as (
    select * from {{ ref('int_messages_rejected') }}
    where reason <> 'no_consumer'
),

sessions as (
    select * from {{ ref('int_cobrowse_copies') }}
),

session_days as (
    select * from {{ ref('int_cobrowse_sessions') }}
),

invocation_days as (
    select * from {{ ref('int_invocation_days') }}
),

invocations_rejected as (
    select * from {{ ref('int_invocation_copies') }}
    where rejected_reason is not null
),

users as (
    select * from {{ ref('int_platform_user_records') }}
),

loading as (
    select
        rejected.*,
        files.feed
    from {{ ref('stg_landing__rejected_records') }} as rejected
    inner join {{ ref('int_files') }} as files
        on rejected.content_id = files.content_id
),

reference_rows as (
    select count(*) as records from {{ ref('stg_reference__accounts') }}
    union all
    select count(*) from {{ ref('stg_reference__sites') }}
    union all
    select count(*) from {{ ref('stg_reference__contracts') }}
    union all
    select count(*) from {{ ref('stg_reference__credits') }}
),

case_events as (
    select
        copies.*,
        coalesce(events.is_before_opening, false) as is_before_opening
    from {{ ref('int_case_event_copies') }} as copies
    left join {{ ref('int_case_events') }} as events
        on copies.site_id = events.site_id
        and copies.case_id = events.case_id
        and copies.event = events.event
        and copies.occurred_at = events.occurred_at
),

outcomes as (
    select
        'messaging_interactions' as feed,
        'message' as record_kind,
        site_id,
        activity_date,
        case outcome when 'counted' then 'counted' else 'not_counted' end as outcome,
        case when outcome <> 'counted' then outcome end as reason,
        cast(sum(messages) as bigint) as records
    from conversations
    -- Listed message by message below, copies and all.
    where outcome <> 'no_consumer'
    group by all
    union all
    select 'messaging_interactions', 'message', site_id, activity_date, 'rejected', 'no_consumer', count(*)
    from without_consumer
    group by all
    union all
    select
        'messaging_interactions',
        'message',
        contested.site_id,
        {{ site_date('contested.sent_at', 'offsets.utc_offset_seconds') }},
        'other_copy',
        null,
        count(*)
    from contested
    inner join offsets
        on contested.site_id = offsets.site_id
        and contested.sent_at >= offsets.valid_from
        and contested.sent_at < offsets.valid_to
    group by all
    union all
    select 'messaging_interactions', 'message', site_id, null, 'rejected', reason, count(*)
    from unusable
    group by all
    union all
    select
        'messaging_interactions',
        'cobrowse_session',
        sessions.site_id,
        case when sessions.rejected_reason is null then session_days.activity_date end,
        case
            when sessions.rejected_reason is not null then 'rejected'
            when sessions.place > 1 then 'other_copy'
            when sessions.is_interactive then 'counted'
            else 'not_counted'
        end,
        coalesce(sessions.rejected_reason, case when sessions.place = 1 and not sessions.is_interactive then 'not_interactive' end),
        count(*)
    from sessions
    left join session_days
        on sessions.site_id = session_days.site_id
        and sessions.session_id = session_days.session_id
    group by all
    union all
    select
        'function_invocations',
        'invocation',
        site_id,
        activity_date,
        outcome,
        case outcome when 'not_counted' then 'trigger_not_counted' end,
        cast(sum(records) as bigint)
    from invocation_days
    group by all
    union all
    select 'function_invocations', 'invocation', site_id, null, 'rejected', rejected_reason, count(*)
    from invocations_rejected
    group by all
    union all
    select 'platform_users', 'user', site_id, null, outcome, case when outcome in ('rejected', 'not_counted') then reason end, count(*)
    from users
    group by all
    union all
    select
        'support_cases',
        'case_event',
        site_id,
        null,
        case
            when rejected_reason is not null then 'rejected'
            when place > 1 then 'other_copy'
            when is_before_opening then 'not_counted'
            else 'counted'
        end,
        coalesce(rejected_reason, case when place = 1 and is_before_opening then 'before_opening' end),
        count(*)
    from case_events
    group by all
    union all
    select 'reference', 'row', null, null, 'counted', null, cast(sum(records) as bigint)
    from reference_rows
    union all
    select feed, record_kind, null, null, 'rejected', reason, count(*)
    from loading
    group by all
)

select * from outcomes
where records > 0
