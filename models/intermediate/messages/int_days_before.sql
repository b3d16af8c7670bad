{# The dates that the changed conversations were active on until now: what they leave must be rebuilt too. #}
with outcomes as (
    {{ as_it_was('int_conversation_outcomes', {'site_id': 'string', 'conversation_id': 'string', 'activity_date': 'date'}) }}
),

changed as (
    select * from {{ ref('int_changed_conversations') }}
),

days as (
    select distinct
        outcomes.site_id,
        outcomes.activity_date
    from outcomes
    inner join changed
        on outcomes.site_id = changed.site_id
        and outcomes.conversation_id = changed.conversation_id
)

select * from days
