{{ config(meta={'slices': {'of': 'int_conversation_copies', 'by': 'conversation_key'}}) }}

with copies as (
    select * from {{ ref('int_conversation_copies') }}
    where {{ in_slice('conversation_key') }}
),

listings as (
    select
        copies.conversation_key,
        listings.agent_id,
        listings.user_type,
        listings.listed_at
    from {{ ref('stg_messaging__agent_participants') }} as listings
    inner join copies
        on listings.conversation_copy_id = copies.conversation_copy_id
),

-- The kind listed for that id in any copy: the last by (timeL, userType), a missing timeL first (SPEC R1).
agents as (
    select
        conversation_key,
        agent_id,
        max_by(user_type, {{ record_of({'is_dated': 'listed_at is not null', 'at': 'listed_at', 'type': 'user_type'}) }}) as user_type
    from listings
    group by conversation_key, agent_id
),

kinds as (
    select
        conversation_key,
        agent_id,
        case user_type when 0 then 'system' when 1 then 'human' when 2 then 'bot' end as sender_kind
    from agents
)

select * from kinds
