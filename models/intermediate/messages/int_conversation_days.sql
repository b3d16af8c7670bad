with groups as (
    select * from {{ ref('int_message_groups_classified') }}
    where outcome = 'counted'
),

-- unknown agents count as human, a counted system message is a bot's (SPEC R1).
days as (
    select
        site_id,
        conversation_id,
        relationship_id,
        activity_date,
        source,
        cast(sum(messages) filter (where sender_kind = 'consumer') as bigint) as consumer_messages,
        cast(sum(messages) filter (where sender_kind in ('human', 'unknown')) as bigint) as human_messages,
        cast(sum(messages) filter (where sender_kind in ('bot', 'system')) as bigint) as bot_messages,
        cast(sum(listened_messages) filter (where sender_kind = 'consumer') as bigint) as listened_messages,
        min({ 'at': first_message_at, 'message_id': first_message_id, 'file': file }) as first_message,
        min(first_arrived_in) as first_arrived_in,
        max(last_message_at) as last_message_at
    from groups
    group by site_id, conversation_id, relationship_id, activity_date, source
),

filled as (
    select
        site_id,
        conversation_id,
        relationship_id,
        activity_date,
        source,
        coalesce(consumer_messages, 0) as consumer_messages,
        coalesce(human_messages, 0) as human_messages,
        coalesce(bot_messages, 0) as bot_messages,
        coalesce(listened_messages, 0) as listened_messages,
        first_message.at as first_message_at,
        first_message.message_id as first_message_id,
        first_message.file as evidence_file,
        first_arrived_in,
        last_message_at
    from days
)

select * from filled
