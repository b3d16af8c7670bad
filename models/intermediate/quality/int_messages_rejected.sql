with messages as (
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
        messages.message_id,
        messages.sent_at,
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

-- A table of few before the join: the conversations of all history need not be read for it.
unusable as (
    select * from judged
    where reason is not null
),

rejected as (
    select
        unusable.conversation_copy_id,
        conversations.content_id,
        conversations.record_index,
        unusable.message_index,
        conversations.site_id,
        conversations.conversation_id,
        unusable.message_id,
        unusable.sent_at,
        unusable.reason
    from unusable
    inner join conversations
        on unusable.conversation_copy_id = conversations.conversation_copy_id
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
    from orphans
    inner join conversations
        on orphans.conversation_copy_id = conversations.conversation_copy_id
)

select * from rejected
