{# SPEC R12: what decides between the copies of a conversation that share a Co-Browse session. A table of its own, so
   that the engine knows how few they are before it reads the messages. #}
with sessions as (
    select * from {{ ref('stg_messaging__cobrowse_sessions') }}
),

messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

repeated as (
    select site_id, session_id
    from sessions
    group by site_id, session_id
    having count(*) > 1
),

copies as (
    select distinct sessions.conversation_copy_id
    from sessions
    inner join repeated
        on sessions.site_id = repeated.site_id
        and sessions.session_id = repeated.session_id
),

measured as (
    select
        messages.conversation_copy_id,
        count(*) as messages,
        max(messages.sent_at) as last_message_at
    from messages
    cross join run
    where messages.conversation_copy_id in (select conversation_copy_id from copies)
        and messages.sender_side is not null
        and {{ is_plausible('messages.sent_at', 'run.as_of') }}
    group by messages.conversation_copy_id
),

described as (
    select
        copies.conversation_copy_id,
        coalesce(measured.messages, 0) as messages,
        measured.last_message_at
    from copies
    left join measured
        on copies.conversation_copy_id = measured.conversation_copy_id
)

select * from described
