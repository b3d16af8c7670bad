with days as (
    select * from {{ ref('int_relationship_days') }}
)

select
    site_id,
    relationship_id,
    activity_date,
    composition,
    consumer_messages,
    human_messages,
    bot_messages,
    conversations,
    first_message_at,
    last_message_at,
    evidence_conversation_id,
    evidence_message_id
from days
