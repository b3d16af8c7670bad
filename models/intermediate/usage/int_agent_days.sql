{{ config(
    materialized=kept(), unique_key=['site_id', 'activity_date'], meta={'changes': 'int_changed_days'}
) }}


with changed as (
    select * from {{ ref('int_changed_days') }}
),

outcomes as (
    select
        outcomes.site_id,
        outcomes.activity_date,
        {{ each_of('outcomes.agents') }} as agent
    from {{ ref('int_conversation_outcomes') }} as outcomes
    inner join changed
        on outcomes.site_id = changed.site_id
        and outcomes.activity_date = changed.activity_date
    where outcomes.outcome = 'counted'
),

days as (
    select
        site_id,
        activity_date,
        agent.agent_id,
        agent.sender_kind,
        cast(sum(agent.messages) as bigint) as messages
    from outcomes
    group by all
)

select * from days
