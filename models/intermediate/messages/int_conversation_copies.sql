{# SPEC R12. Only conversations that arrived more than once, and those that repeat a message id within
   one copy, need their messages compared; all others have one copy of everything. #}
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

contested_copies as (
    select conversations.conversation_copy_id
    from conversations
    inner join repeated_conversations
        on conversations.site_id = repeated_conversations.site_id
        and conversations.conversation_id = repeated_conversations.conversation_id
),

-- A session id can stand in the records of two conversations: their copies compete for it too.
repeated_sessions as (
    select site_id, session_id
    from sessions
    group by site_id, session_id
    having count(*) > 1
),

session_copies as (
    select distinct sessions.conversation_copy_id
    from sessions
    inner join repeated_sessions
        on sessions.site_id = repeated_sessions.site_id
        and sessions.session_id = repeated_sessions.session_id
),

measured as (
    select
        messages.conversation_copy_id,
        count(*) as messages,
        max(messages.sent_at) as last_message_at
    from messages
    where messages.conversation_copy_id in (
        select conversation_copy_id from contested_copies
        union
        select conversation_copy_id from session_copies
    )
    group by messages.conversation_copy_id
),

copies as (
    select
        conversations.conversation_copy_id,
        conversations.content_id,
        conversations.record_index,
        conversations.site_id,
        conversations.conversation_id,
        conversations.source,
        files.file,
        files.arrived_in,
        conversations.conversation_copy_id in (select conversation_copy_id from contested_copies) as is_contested,
        coalesce(measured.messages, 0) as messages,
        measured.last_message_at
    from conversations
    inner join files
        on conversations.content_id = files.content_id
    left join measured
        on conversations.conversation_copy_id = measured.conversation_copy_id
)

select * from copies
