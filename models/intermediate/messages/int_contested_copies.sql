{# SPEC R12. Only conversations that arrived more than once, those that repeat a message id within one copy,
   and copies that share a Co-Browse session need comparing; all others have one copy of everything. #}
with conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

files as (
    select * from {{ ref('int_files') }}
),

messages as (
    select * from {{ ref('int_messages_accepted') }}
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

contested_copies as (
    select
        conversation_copy_id,
        bool_or(has_contested_messages) as has_contested_messages
    from contested
    group by conversation_copy_id
),

measured as (
    select
        messages.conversation_copy_id,
        count(*) as messages,
        max(messages.sent_at) as last_message_at
    from messages
    where messages.conversation_copy_id in (select conversation_copy_id from contested_copies)
    group by messages.conversation_copy_id
),

copies as (
    select
        conversations.conversation_copy_id,
        conversations.record_index,
        conversations.site_id,
        conversations.conversation_id,
        conversations.source,
        conversations.status,
        conversations.is_partial,
        files.file,
        files.arrived_in,
        contested_copies.has_contested_messages,
        coalesce(measured.messages, 0) as messages,
        measured.last_message_at
    from conversations
    inner join contested_copies
        on conversations.conversation_copy_id = contested_copies.conversation_copy_id
    inner join files
        on conversations.content_id = files.content_id
    left join measured
        on conversations.conversation_copy_id = measured.conversation_copy_id
)

select * from copies
