{# The (site, date) pairs that are rebuilt: those on which a message came, went or changed, and those whose contract
   says something else now. #}
with outcomes as (
    select * from {{ ref('int_conversation_outcomes') }}
),

conversations as (
    select * from {{ ref('int_changed_conversations') }}
),

days as (
    select site_id, activity_date
    from {{ ref('int_days_before') }}
    union
    select
        outcomes.site_id,
        outcomes.activity_date
    from outcomes
    inner join conversations
        on outcomes.site_id = conversations.site_id
        and outcomes.conversation_id = conversations.conversation_id
    union
    select site_id, activity_date
    from {{ ref('int_changed_site_days') }}
)

select * from days
