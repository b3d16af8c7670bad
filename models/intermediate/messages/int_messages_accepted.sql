{{ config(materialized='view') }}

-- Messages of a site that nobody knows fall out where they are dated: no row of offsets is theirs.
with messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

copies as (
    select * from {{ ref('int_conversation_copies') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

accepted as (
    select
        messages.conversation_copy_id,
        messages.message_index,
        messages.site_id,
        messages.message_id,
        messages.participant_id,
        messages.sent_at,
        messages.sender_side,
        messages.audience,
        messages.message_source,
        copies.conversation_key,
        copies.is_contested,
        copies.record_index,
        copies.conversation_id,
        copies.source,
        copies.file,
        copies.arrived_in
    from messages
    inner join copies
        on messages.conversation_copy_id = copies.conversation_copy_id
    cross join run
    where messages.sender_side is not null
        and {{ is_plausible('messages.sent_at', 'run.as_of') }}
)

select * from accepted
