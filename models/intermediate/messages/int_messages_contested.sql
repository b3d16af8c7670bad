{{ config(
    materialized=kept(), unique_key=['site_id', 'conversation_id'], meta={'changes': 'int_changed_conversations'}
) }}

with messages as (
    select * from {{ ref('int_messages_accepted') }}
    where is_contested
),

copies as (
    select * from {{ ref('int_contested_copies') }}
),

without_consumer as (
    select * from {{ ref('int_messages_without_consumer') }}
),

agents as (
    select * from {{ ref('int_conversation_agents') }}
),

contested as (
    select
        messages.*,
        coalesce(messages.source, messages.message_source) as known_source,
        case when messages.sender_side = 'agent' then messages.participant_id end as agent_id,
        copies.messages as copy_messages,
        copies.last_message_at as copy_last_message_at
    from messages
    inner join copies
        on messages.conversation_copy_id = copies.conversation_copy_id
    anti join without_consumer
        on messages.conversation_copy_id = without_consumer.conversation_copy_id
        and messages.message_index = without_consumer.message_index
),

-- may_conflict: what a policy file can still call equal (two sources of one channel) is told apart in int_conflicts.
-- The winner is from the copy with the later last message, then more messages, then the last path, then
-- the later place in the file (SPEC R12).
ranked as (
    select
        contested.conversation_copy_id,
        contested.message_index,
        contested.site_id,
        contested.conversation_id,
        contested.message_id,
        contested.participant_id,
        contested.sent_at,
        contested.sender_side,
        contested.audience,
        contested.message_source,
        contested.known_source as source,
        case
            when contested.sender_side = 'consumer' then 'consumer'
            else coalesce(agents.sender_kind, 'unknown')
        end as sender_kind,
        contested.file,
        contested.arrived_in,
        row_number() over (
            partition by contested.conversation_key, contested.message_id
            order by
                contested.copy_last_message_at desc,
                contested.copy_messages desc,
                contested.file desc,
                contested.record_index desc,
                contested.message_index desc
        ) as place,
        count(*) over copies as copies,
        min(contested.arrived_in) over copies as first_arrived_in,
        coalesce(
            min(contested.sent_at) over copies <> max(contested.sent_at) over copies
            or min(contested.sender_side) over copies <> max(contested.sender_side) over copies
            or min(contested.participant_id) over copies <> max(contested.participant_id) over copies
            or min(contested.known_source) over copies <> max(contested.known_source) over copies,
            false
        ) as may_conflict
    from contested
    left join agents
        on contested.conversation_key = agents.conversation_key
        and contested.agent_id = agents.agent_id
    window copies as (partition by contested.conversation_key, contested.message_id)
)

select * from ranked
