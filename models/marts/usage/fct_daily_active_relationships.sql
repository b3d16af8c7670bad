{{ config(materialized='view') }}

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
    evidence_message_id,
    nullif(first_arrived_in, date '9999-12-01') as first_sealed_in
from days
