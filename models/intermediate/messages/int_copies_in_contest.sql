{# SPEC R12. Only conversations that arrived more than once, those that repeat a message id within one copy,
   and copies that share a Co-Browse session need comparing; all others have one copy of everything. A table of
   its own, so that the engine knows how few they are before it reads the messages. #}
with conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

sessions as (
    select * from {{ ref('stg_messaging__cobrowse_sessions') }}
),

repeated_conversations as (
    select site_id, conversation_id
    from conversations
    group by site_id, conversation_id
    having count(*) > 1 or bool_or(has_repeated_message_ids)
),

repeated_sessions as (
    select site_id, session_id
    from sessions
    group by site_id, session_id
    having count(*) > 1
),

contested as (
    select
        conversations.conversation_copy_id,
        true as has_contested_messages
    from conversations
    inner join repeated_conversations
        on conversations.site_id = repeated_conversations.site_id
        and conversations.conversation_id = repeated_conversations.conversation_id
    union all
    select
        sessions.conversation_copy_id,
        false as has_contested_messages
    from sessions
    inner join repeated_sessions
        on sessions.site_id = repeated_sessions.site_id
        and sessions.session_id = repeated_sessions.session_id
),

copies as (
    select
        conversation_copy_id,
        bool_or(has_contested_messages) as has_contested_messages
    from contested
    group by conversation_copy_id
)

select * from copies
