{# The last model of the incremental part. While a build is between its first and its last change this is empty, and
   the next build starts anew. #}
-- depends_on: {{ ref('int_changed_inputs') }}
-- depends_on: {{ ref('int_contested_copies') }}
-- depends_on: {{ ref('int_messages_without_consumer') }}
-- depends_on: {{ ref('int_messages_contested') }}
-- depends_on: {{ ref('int_conversation_outcomes') }}
-- depends_on: {{ ref('int_relationship_days') }}
-- depends_on: {{ ref('int_relationship_day_channels') }}
-- depends_on: {{ ref('int_listened_conversation_days') }}
-- depends_on: {{ ref('int_agent_days') }}
-- depends_on: {{ ref('int_invocation_copies') }}
-- depends_on: {{ ref('int_invocation_days') }}
-- depends_on: {{ ref('int_site_days_built') }}
with inputs as (
    select * from {{ ref('int_inputs') }}
)

select * from inputs
