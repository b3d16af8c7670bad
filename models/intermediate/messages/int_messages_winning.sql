{{ config(materialized='view') }}

with messages as (
    select * from {{ ref('int_messages_accepted') }}
),

copies as (
    select * from {{ ref('int_conversation_copies') }}
    where is_contested
),

contested as (
    select * from {{ ref('int_messages_contested') }}
),

uncontested as (
    select
        conversation_copy_id,
        site_id,
        message_id,
        participant_id,
        sent_at,
        sender_side,
        audience,
        message_source,
        cast(null as date) as first_arrived_in
    from messages
    where not is_contested
),

winners as (
    select
        contested.conversation_copy_id,
        contested.site_id,
        contested.message_id,
        contested.participant_id,
        contested.sent_at,
        contested.sender_side,
        contested.audience,
        contested.message_source,
        contested.first_arrived_in
    from contested
    inner join copies
        on contested.conversation_copy_id = copies.conversation_copy_id
    where contested.place = 1
),

winning as (
    select * from uncontested
    union all
    select * from winners
)

select * from winning
