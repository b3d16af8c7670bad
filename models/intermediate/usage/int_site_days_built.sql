-- depends_on: {{ ref('int_changed_site_days') }}
-- depends_on: {{ ref('int_relationship_day_channels') }}
-- depends_on: {{ ref('int_listened_conversation_days') }}
with inputs as (
    select * from {{ ref('int_site_day_inputs') }}
)

select * from inputs
