{{ config(
    materialized=kept(), unique_key=['site_id', 'conversation_id'], meta={'changes': 'int_changed_conversations'}
) }}

{# SPEC R3: a message that would count and whose relationship nobody knows is rejected until somebody does. It
   takes no part in the contest of copies (SPEC R12). #}
with messages as (
    select * from {{ ref('int_messages_accepted') }}
),

consumers as (
    select * from {{ ref('int_conversation_consumers') }}
),

agents as (
    select * from {{ ref('int_conversation_agents') }}
),

audiences as (
    select * from {{ ref('int_message_audiences') }}
),

rules as (
    select * from {{ ref('int_activity_rules') }}
),

offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

copies_without_consumer as (
    select unlisted_copies.conversation_copy_id
    from {{ ref('int_unlisted_copies') }} as unlisted_copies
    anti join consumers
        on unlisted_copies.conversation_key = consumers.conversation_key
),

-- A consumer's message that names its sender has its relationship; that sender then is the conversation's consumer.
unrelated as (
    select
        messages.*,
        case when messages.sender_side = 'agent' then messages.participant_id end as agent_id
    from messages
    where messages.conversation_copy_id in (select conversation_copy_id from copies_without_consumer)
),

judged as (
    select
        unrelated.conversation_copy_id,
        unrelated.record_index,
        unrelated.message_index,
        unrelated.site_id,
        unrelated.conversation_id,
        unrelated.message_id,
        unrelated.sent_at,
        unrelated.audience,
        {{ site_date('unrelated.sent_at', 'offsets.utc_offset_seconds') }} as activity_date,
        case
            when unrelated.sender_side = 'consumer' then 'consumer'
            else coalesce(agents.sender_kind, 'unknown')
        end as sender_kind
    from unrelated
    inner join offsets
        on unrelated.site_id = offsets.site_id
        and unrelated.sent_at >= offsets.valid_from
        and unrelated.sent_at < offsets.valid_to
    left join agents
        on unrelated.conversation_key = agents.conversation_key
        and unrelated.agent_id = agents.agent_id
),

without_consumer as (
    select judged.*
    from judged
    inner join rules
        on judged.sender_kind = rules.sender_kind
        and {{ period_of('judged.activity_date') }} = rules.period
        and rules.counts
    left join audiences
        on judged.audience = audiences.audience
        and {{ period_of('judged.activity_date') }} = audiences.period
    where coalesce(audiences.reaches_consumer, true)
)

select * from without_consumer
