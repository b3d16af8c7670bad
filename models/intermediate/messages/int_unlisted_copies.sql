{# Copies of the conversations of which no copy lists a consumer (SPEC R3): few, and a table, so that the engine
   knows it before it reads the messages. #}
with conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

listings as (
    select * from {{ ref('stg_messaging__consumer_participants') }}
),

unlisted as (
    select
        conversations.conversation_copy_id,
        conversations.site_id,
        conversations.conversation_id
    from conversations
    anti join listings
        on conversations.site_id = listings.site_id
        and conversations.conversation_id = listings.conversation_id
)

select * from unlisted
