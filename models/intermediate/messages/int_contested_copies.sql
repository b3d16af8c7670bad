{# SPEC R12: what decides between the copies that compete. #}
with conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

files as (
    select * from {{ ref('int_files') }}
),

contested as (
    select * from {{ ref('int_copies_in_contest') }}
),

messages as (
    select * from {{ ref('int_messages_accepted') }}
),

measured as (
    select
        messages.conversation_copy_id,
        count(*) as messages,
        max(messages.sent_at) as last_message_at
    from messages
    where messages.conversation_copy_id in (select conversation_copy_id from contested)
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
        contested.has_contested_messages,
        coalesce(measured.messages, 0) as messages,
        measured.last_message_at
    from conversations
    inner join contested
        on conversations.conversation_copy_id = contested.conversation_copy_id
    inner join files
        on conversations.content_id = files.content_id
    left join measured
        on conversations.conversation_copy_id = measured.conversation_copy_id
)

select * from copies
