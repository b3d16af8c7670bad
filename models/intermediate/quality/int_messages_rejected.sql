with messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

orphans as (
    select * from {{ ref('int_messages_without_consumer') }}
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
        orphans.* exclude (activity_date, sender_kind),
        'no_consumer' as reason
    from orphans
),

rejected as (
    select * from unusable
    where reason is not null
    union all by name
    select * from without_consumer
)

select * from rejected
