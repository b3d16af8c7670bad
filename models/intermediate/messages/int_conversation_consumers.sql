{{ config(meta={'slices': {'of': 'int_conversation_copies', 'by': 'conversation_key'}}) }}

with copies as (
    select * from {{ ref('int_conversation_copies') }}
    where {{ in_slice('conversation_key') }}
),

listings as (
    select
        copies.conversation_key,
        listings.participant_id,
        listings.listed_at
    from {{ ref('stg_messaging__consumer_participants') }} as listings
    inner join copies
        on listings.conversation_copy_id = copies.conversation_copy_id
),

messages as (
    select * from {{ ref('int_messages_accepted') }}
    where {{ in_slice('conversation_key') }}
),

unlisted_copies as (
    select * from {{ ref('int_unlisted_copies') }}
),

-- Of several the one with the smallest (timeL, participantId), a missing timeL last (SPEC R3).
listed as (
    select
        conversation_key,
        min_by(participant_id, {{ record_of({'is_undated': 'listed_at is null', 'at': 'listed_at', 'id': 'participant_id'}) }}) as consumer_id
    from listings
    group by conversation_key
),

-- Only if no copy lists a consumer: the senders of consumer messages.
senders as (
    select
        messages.conversation_key,
        min_by(messages.participant_id, {{ record_of({'at': 'messages.sent_at', 'id': 'messages.participant_id'}) }}) as consumer_id
    from messages
    where messages.conversation_copy_id in (select conversation_copy_id from unlisted_copies)
        and messages.sender_side = 'consumer'
        and messages.participant_id is not null
    group by messages.conversation_key
),

consumers as (
    select conversation_key, consumer_id from listed
    union all
    select conversation_key, consumer_id from senders
)

select * from consumers
