{{ config(materialized='view') }}

with groups as (
    select
        *,
        -- Part of the key: a condition on one side in an outer join would compare every pair.
        case when sender_side = 'agent' then participant_id end as agent_id
    from {{ ref('int_message_groups') }}
),

copies as (
    select * from {{ ref('int_conversation_copies') }}
    where {{ in_slice('conversation_key') }}
),

consumers as (
    select * from {{ ref('int_conversation_consumers') }}
    where {{ in_slice('conversation_key') }}
),

agents as (
    select * from {{ ref('int_conversation_agents') }}
    where {{ in_slice('conversation_key') }}
),

audiences as (
    select * from {{ ref('int_message_audiences') }}
),

rules as (
    select * from {{ ref('int_activity_rules') }}
),

described as (
    select
        groups.conversation_copy_id,
        groups.sender_side,
        groups.participant_id,
        groups.audience,
        groups.message_source,
        groups.activity_date,
        groups.messages,
        groups.listened_messages,
        groups.first_message_at,
        groups.first_message_id,
        groups.last_message_at,
        coalesce(groups.first_arrived_in, copies.arrived_in) as first_arrived_in,
        copies.conversation_key,
        copies.file,
        coalesce(copies.source, groups.message_source) as source,
        -- A consumer's message belongs to its own participant id, an agent's to the conversation's consumer (SPEC R3).
        case
            when groups.sender_side = 'consumer' then coalesce(groups.participant_id, consumers.consumer_id)
            else consumers.consumer_id
        end as relationship_id,
        case
            when groups.sender_side = 'consumer' then 'consumer'
            else coalesce(agents.sender_kind, 'unknown')
        end as sender_kind,
        coalesce(audiences.reaches_consumer, true) as reaches_consumer
    from groups
    inner join copies
        on groups.conversation_copy_id = copies.conversation_copy_id
    left join consumers
        on copies.conversation_key = consumers.conversation_key
    left join agents
        on copies.conversation_key = agents.conversation_key
        and groups.agent_id = agents.agent_id
    left join audiences
        on groups.audience = audiences.audience
        and {{ period_of('groups.activity_date') }} = audiences.period
),

classified as (
    select
        described.*,
        case
            when not described.reaches_consumer then 'not_for_consumer'
            when not coalesce(rules.counts, false) then 'sender_kind_not_counted'
            when described.relationship_id is null then 'no_consumer'
            else 'counted'
        end as outcome
    from described
    left join rules
        on described.sender_kind = rules.sender_kind
        and {{ period_of('described.activity_date') }} = rules.period
)

select * from classified
