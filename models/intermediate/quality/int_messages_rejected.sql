with messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

winning as (
    select * from {{ ref('int_messages_winning') }}
),

orphans as (
    select distinct conversation_copy_id, sender_side, participant_id, audience
    from {{ ref('int_message_groups_classified') }}
    where outcome = 'no_consumer'
),

unusable as (
    select
        messages.*,
        case
            when messages.site_id not in (select site_id from {{ ref('int_known_sites') }}) then 'unknown_site'
            when messages.sent_at is null then 'no_instant'
            when not {{ is_plausible('messages.sent_at', 'run.as_of') }} then 'implausible_instant'
            when messages.sender_side is null then 'unknown_sender'
        end as reason
    from messages
    cross join run
),

without_consumer as (
    select
        winning.* exclude (first_arrived_in),
        'no_consumer' as reason
    from winning
    inner join orphans
        on winning.conversation_copy_id = orphans.conversation_copy_id
        and winning.sender_side = orphans.sender_side
        and winning.participant_id is not distinct from orphans.participant_id
        and winning.audience is not distinct from orphans.audience
),

rejected as (
    select * from unusable
    where reason is not null
    union all by name
    select * from without_consumer
)

select * from rejected
