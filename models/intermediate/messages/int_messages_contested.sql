with messages as (
    select * from {{ ref('int_messages_accepted') }}
),

copies as (
    select * from {{ ref('int_contested_copies') }}
    where has_contested_messages
),

without_consumer as (
    select * from {{ ref('int_messages_without_consumer') }}
),

-- The winner is from the copy with the later last message, then more messages, then the last path, then
-- the later place in the file (SPEC R12).
ranked as (
    select
        messages.*,
        coalesce(copies.source, messages.message_source) as source,
        copies.file,
        row_number() over (
            partition by messages.site_id, messages.conversation_id, messages.message_id
            order by
                copies.last_message_at desc,
                copies.messages desc,
                copies.file desc,
                messages.record_index desc,
                messages.message_index desc
        ) as place,
        count(*) over (
            partition by messages.site_id, messages.conversation_id, messages.message_id
        ) as copies,
        min(copies.arrived_in) over (
            partition by messages.site_id, messages.conversation_id, messages.message_id
        ) as first_arrived_in
    from messages
    inner join copies
        on messages.conversation_copy_id = copies.conversation_copy_id
    anti join without_consumer
        on messages.conversation_copy_id = without_consumer.conversation_copy_id
        and messages.message_index = without_consumer.message_index
)

select * from ranked
