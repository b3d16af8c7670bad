{{ config(
    materialized=kept(),
    unique_key=['site_id', 'conversation_id'],
    meta={'changes': 'int_changed_conversations', 'slices': {'of': 'int_conversation_copies', 'by': 'conversation_key'}}
) }}

{# All that later models need of messages: kept, and replaced conversation by conversation. #}
-- depends_on: {{ ref('int_days_before') }}
with groups as (
    select * from {{ ref('int_message_groups_classified') }}
),

copies as (
    select * from {{ ref('int_conversation_copies') }}
    where {{ in_slice('conversation_key') }}
),

-- unknown agents count as human, a counted system message is a bot's (SPEC R1).
outcomes as (
    select
        conversation_key,
        relationship_id,
        activity_date,
        source,
        outcome,
        cast(sum(messages) as bigint) as messages,
        cast(coalesce(sum(messages) filter (where sender_kind = 'consumer'), 0) as bigint) as consumer_messages,
        cast(coalesce(sum(messages) filter (where sender_kind in ('human', 'unknown')), 0) as bigint) as human_messages,
        cast(coalesce(sum(messages) filter (where sender_kind in ('bot', 'system')), 0) as bigint) as bot_messages,
        cast(coalesce(sum(listened_messages) filter (where sender_kind = 'consumer'), 0) as bigint) as listened_messages,
        min(first_message_at) as first_message_at,
        min_by(
            {{ record_of({'message_id': 'first_message_id', 'file': 'file'}) }},
            {{ record_of({'at': 'first_message_at', 'message_id': 'first_message_id', 'file': 'file'}) }}
        ) as first_message,
        min(first_arrived_in) as first_arrived_in,
        min(first_arrived_in) filter (where sender_kind = 'consumer' and listened_messages > 0) as listened_first_arrived_in,
        min(file) filter (where sender_kind = 'consumer' and listened_messages > 0) as listened_file,
        max(last_message_at) as last_message_at,
        {{ list_of(record_of({'agent_id': 'participant_id', 'sender_kind': 'sender_kind', 'messages': 'messages'})) }} filter (
            where sender_kind in ('human', 'bot', 'unknown') and outcome = 'counted'
        ) as agents
    from groups
    group by conversation_key, relationship_id, activity_date, source, outcome
),

-- Of a contested conversation the copy that lends its key is as good as any for its ids.
named as (
    select
        copies.site_id,
        copies.conversation_id,
        outcomes.relationship_id,
        outcomes.activity_date,
        outcomes.source,
        outcomes.outcome,
        outcomes.messages,
        outcomes.consumer_messages,
        outcomes.human_messages,
        outcomes.bot_messages,
        outcomes.listened_messages,
        outcomes.first_message_at,
        outcomes.first_message.message_id as first_message_id,
        outcomes.first_message.file as evidence_file,
        outcomes.first_arrived_in,
        outcomes.listened_first_arrived_in,
        outcomes.listened_file,
        outcomes.last_message_at,
        outcomes.agents
    from outcomes
    inner join copies
        on outcomes.conversation_key = copies.conversation_copy_id
)

select * from named
