with listings as (
    select * from {{ ref('stg_messaging__consumer_participants') }}
),

messages as (
    select * from {{ ref('int_messages_accepted') }}
),

unlisted_copies as (
    select * from {{ ref('int_unlisted_copies') }}
),

-- Of several the one with the smallest (timeL, participantId), a missing timeL last (SPEC R3).
listed as (
    select
        site_id,
        conversation_id,
        arg_min(participant_id, { 'is_undated': listed_at is null, 'at': listed_at, 'id': participant_id }) as consumer_id
    from listings
    group by site_id, conversation_id
),

-- Only if no copy lists a consumer: the senders of consumer messages.
senders as (
    select
        messages.site_id,
        messages.conversation_id,
        arg_min(messages.participant_id, { 'at': messages.sent_at, 'id': messages.participant_id }) as consumer_id
    from messages
    where messages.conversation_copy_id in (select conversation_copy_id from unlisted_copies)
        and messages.sender_side = 'consumer'
        and messages.participant_id is not null
    group by messages.site_id, messages.conversation_id
),

consumers as (
    select * from listed
    union all by name
    select * from senders
)

select * from consumers
