{# Copies of the conversations of which no copy lists a consumer (SPEC R3): few, and a table, so that the engine
   knows it before it reads the messages. #}
with copies as (
    select * from {{ ref('int_conversation_copies') }}
),

listed as (
    select distinct copies.conversation_key
    from {{ ref('stg_messaging__consumer_participants') }} as listings
    inner join copies
        on listings.conversation_copy_id = copies.conversation_copy_id
),

unlisted as (
    select
        copies.conversation_copy_id,
        copies.conversation_key
    from copies
    anti join listed
        on copies.conversation_key = listed.conversation_key
)

select * from unlisted
