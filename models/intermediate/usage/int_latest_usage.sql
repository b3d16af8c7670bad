{# Of every event one instant: what reads it need not read the events. #}
with conversation_days as (
    select * from {{ ref('int_conversation_days') }}
),

sessions as (
    select * from {{ ref('int_cobrowse_sessions') }}
    where is_interactive
),

invocations as (
    select * from {{ ref('int_invocation_copies') }}
    where place = 1
        and counts
),

latest as (
    select 'messaging_interactions' as feed, 'message' as record_kind, max(last_message_at) as counted_at
    from conversation_days
    union all
    select 'messaging_interactions', 'cobrowse_session', max(occurred_at)
    from sessions
    union all
    select 'function_invocations', 'invocation', max(invoked_at)
    from invocations
)

select * from latest
