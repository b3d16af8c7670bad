{{ config(
    materialized=kept(),
    unique_key=['site_id', 'activity_date'],
    meta={'changes': 'int_changed_days', 'slices': {'of': 'int_conversation_days', 'by': 'activity_date'}}
) }}

{# The DAR (SPEC R3): one relationship active on one activity date. #}
with changed as (
    select * from {{ ref('int_changed_days') }}
),

conversation_days as (
    select conversation_days.*
    from {{ ref('int_conversation_days') }} as conversation_days
    inner join changed
        on conversation_days.site_id = changed.site_id
        and conversation_days.activity_date = changed.activity_date
    where {{ in_slice('conversation_days.activity_date') }}
),

days as (
    select
        site_id,
        relationship_id,
        activity_date,
        cast(sum(consumer_messages) as bigint) as consumer_messages,
        cast(sum(human_messages) as bigint) as human_messages,
        cast(sum(bot_messages) as bigint) as bot_messages,
        cast(count(distinct conversation_id) as bigint) as conversations,
        min({{ record_of({
            'at': 'first_message_at', 'conversation_id': 'conversation_id', 'message_id': 'first_message_id', 'file': 'evidence_file'
        }) }}) as evidence,
        min(first_arrived_in) as first_arrived_in,
        max(last_message_at) as last_message_at
    from conversation_days
    group by site_id, relationship_id, activity_date
),

composed as (
    select
        site_id,
        relationship_id,
        activity_date,
        -- The seven compositions of LivePerson's own report (SPEC R5).
        case
            when human_messages > 0 and bot_messages > 0 and consumer_messages > 0 then 'human_bot_consumer'
            when human_messages > 0 and bot_messages > 0 then 'human_bot'
            when human_messages > 0 and consumer_messages > 0 then 'human_consumer'
            when bot_messages > 0 and consumer_messages > 0 then 'bot_consumer'
            when human_messages > 0 then 'human_only'
            when bot_messages > 0 then 'bot_only'
            else 'consumer_only'
        end as composition,
        consumer_messages,
        human_messages,
        bot_messages,
        conversations,
        evidence.at as first_message_at,
        last_message_at,
        evidence.conversation_id as evidence_conversation_id,
        evidence.message_id as evidence_message_id,
        evidence.file as evidence_file,
        first_arrived_in
    from days
)

select * from composed
