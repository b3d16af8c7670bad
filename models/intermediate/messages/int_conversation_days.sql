{{ config(materialized='view') }}

with outcomes as (
    select * from {{ ref('int_conversation_outcomes') }}
)

select
    site_id,
    conversation_id,
    relationship_id,
    activity_date,
    source,
    consumer_messages,
    human_messages,
    bot_messages,
    listened_messages,
    first_message_at,
    first_message_id,
    evidence_file,
    first_arrived_in,
    listened_first_arrived_in,
    listened_file,
    last_message_at
from outcomes
where outcome = 'counted'
