with messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

-- Named once more, for the engine keeps a copy of what is read twice.
whole_messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

known_sites as (
    select * from {{ ref('int_known_sites') }}
),

orphans as (
    select * from {{ ref('int_messages_without_consumer') }}
),

judged as (
    select
        messages.conversation_copy_id,
        messages.message_index,
        case
            when known_sites.site_id is null then 'unknown_site'
            when messages.sent_at is null then 'no_instant'
            when not {{ is_plausible('messages.sent_at', 'run.as_of') }} then 'implausible_instant'
            when messages.sender_side is null then 'unknown_sender'
        end as reason
    from messages
    left join known_sites
        on messages.site_id = known_sites.site_id
    cross join run
),

-- Few: the ids of all messages, and the conversations of all history, need not be read for them.
unusable as (
    select * from judged
    where reason is not null
),

described as (
    select
        unusable.conversation_copy_id,
        unusable.message_index,
        whole_messages.message_id,
        whole_messages.sent_at,
        unusable.reason
    from whole_messages
    inner join unusable
        on whole_messages.conversation_copy_id = unusable.conversation_copy_id
        and whole_messages.message_index = unusable.message_index
),

rejected as (
    select
        described.conversation_copy_id,
        conversations.content_id,
        conversations.record_index,
        described.message_index,
        conversations.site_id,
        conversations.conversation_id,
        described.message_id,
        described.sent_at,
        described.reason
    from conversations
    inner join described
        on conversations.conversation_copy_id = described.conversation_copy_id
    union all
    select
        orphans.conversation_copy_id,
        conversations.content_id,
        orphans.record_index,
        orphans.message_index,
        orphans.site_id,
        orphans.conversation_id,
        orphans.message_id,
        orphans.sent_at,
        'no_consumer' as reason
    from conversations
    inner join orphans
        on conversations.conversation_copy_id = orphans.conversation_copy_id
)

select * from rejected
