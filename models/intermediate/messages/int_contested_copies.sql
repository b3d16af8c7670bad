{{ config(
    materialized=kept(), unique_key=['site_id', 'conversation_id'], meta={'changes': 'int_changed_conversations'}
) }}

{# SPEC R12: what decides between the copies that compete. #}
with messages as (
    select * from {{ ref('int_messages_accepted') }}
    where is_contested
),

copies as (
    select * from {{ ref('int_conversation_copies') }}
    where is_contested
),

measured as (
    select
        conversation_copy_id,
        count(*) as messages,
        max(sent_at) as last_message_at
    from messages
    group by conversation_copy_id
),

contested as (
    select
        copies.conversation_copy_id,
        copies.site_id,
        copies.conversation_id,
        coalesce(measured.messages, 0) as messages,
        measured.last_message_at
    from copies
    left join measured
        on copies.conversation_copy_id = measured.conversation_copy_id
)

select * from contested
