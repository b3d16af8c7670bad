{{ config(materialized='view') }}

with messages as (
    select * from {{ ref('int_messages_accepted') }}
),

contested as (
    select * from {{ ref('int_messages_contested') }}
),

contested_copies as (
    select conversation_copy_id
    from {{ ref('int_contested_copies') }}
    where has_contested_messages
),

uncontested as (
    select
        messages.*,
        cast(null as date) as first_arrived_in
    from messages
    where messages.conversation_copy_id not in (select conversation_copy_id from contested_copies)
),

winners as (
    select contested.* exclude (source, file, place, copies)
    from contested
    where contested.place = 1
),

winning as (
    select * from uncontested
    union all by name
    select * from winners
)

select * from winning
