{{ config(materialized='view') }}

with listened as (
    select * from {{ ref('int_listened_conversation_days') }}
)

select
    site_id,
    conversation_id,
    relationship_id,
    activity_date,
    credits,
    carries_credit as is_counted,
    nullif(first_arrived_in, date '9999-12-01') as first_sealed_in
from listened
