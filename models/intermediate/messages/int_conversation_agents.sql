with listings as (
    select * from {{ ref('stg_messaging__agent_participants') }}
),

-- The kind listed for that id in any copy: the last by (timeL, userType), a missing timeL first (SPEC R1).
agents as (
    select
        site_id,
        conversation_id,
        agent_id,
        arg_max(user_type, { 'is_dated': listed_at is not null, 'at': listed_at, 'type': user_type }) as user_type
    from listings
    group by site_id, conversation_id, agent_id
),

kinds as (
    select
        site_id,
        conversation_id,
        agent_id,
        case user_type when 0 then 'system' when 1 then 'human' when 2 then 'bot' end as sender_kind
    from agents
)

select * from kinds
