with listings as (
    select * from {{ ref('stg_messaging__consumer_participants') }}
),

messages as (
    select * from {{ ref('int_messages_accepted') }}
),

-- Of several the one with the smallest (timeL, participantId), a missing timeL last (SPEC R3).
listed as (
    select
        site_id,
        conversation_id,
        arg_min(participant_id, {'is_undated': listed_at is null, 'at': listed_at, 'id': participant_id}) as consumer_id
    from listings
    group by site_id, conversation_id
),

-- Only if no copy lists a consumer: the senders of consumer messages.
senders as (
    select
        messages.site_id,
        messages.conversation_id,
        arg_min(messages.participant_id, {'at': messages.sent_at, 'id': messages.participant_id}) as consumer_id
    from messages
    anti join listed
        on messages.site_id = listed.site_id
        and messages.conversation_id = listed.conversation_id
    where messages.sender_side = 'consumer'
        and messages.participant_id is not null
    group by messages.site_id, messages.conversation_id
),

consumers as (
    select * from listed
    union all by name
    select * from senders
)

select * from consumers
