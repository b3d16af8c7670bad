{{ config(materialized='view') }}

-- Messages of a site that nobody knows fall out where they are dated: no row of offsets is theirs.
with messages as (
    select * from {{ ref('stg_messaging__messages') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

accepted as (
    select messages.*
    from messages
    cross join run
    where messages.sender_side is not null
        and {{ is_plausible('messages.sent_at', 'run.as_of') }}
)

select * from accepted
