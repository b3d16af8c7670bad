{# Every copy of the conversations that are rebuilt. SPEC R12: only conversations that arrived more than once, and those
   that repeat a message id within one copy, need comparing. conversation_key stands for (site_id, conversation_id) in
   the models that touch every message: whole numbers group and join many times faster than ids. #}
with changed as (
    select * from {{ ref('int_changed_conversations') }}
),

conversations as (
    select conversations.*
    from {{ ref('stg_messaging__conversations') }} as conversations
    inner join changed
        on conversations.site_id = changed.site_id
        and conversations.conversation_id = changed.conversation_id
),

files as (
    select * from {{ ref('int_files') }}
),

contested as (
    select
        site_id,
        conversation_id,
        min(conversation_copy_id) as conversation_key
    from conversations
    group by site_id, conversation_id
    having count(*) > 1 or bool_or(has_repeated_message_ids)
),

copies as (
    select
        conversations.conversation_copy_id,
        coalesce(contested.conversation_key, conversations.conversation_copy_id) as conversation_key,
        contested.conversation_key is not null as is_contested,
        conversations.content_id,
        conversations.record_index,
        conversations.site_id,
        conversations.conversation_id,
        conversations.source,
        files.file,
        files.arrived_in
    from conversations
    inner join files
        on conversations.content_id = files.content_id
    left join contested
        on conversations.site_id = contested.site_id
        and conversations.conversation_id = contested.conversation_id
)

select * from copies
