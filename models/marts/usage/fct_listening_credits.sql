with listened as (
    select * from {{ ref('int_listened_conversation_days') }}
)

select
    site_id,
    conversation_id,
    relationship_id,
    activity_date,
    credits
from listened
