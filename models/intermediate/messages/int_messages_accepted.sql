{{ config(materialized='view') }}

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
        and messages.site_id in (select site_id from {{ ref('int_known_sites') }})
)

select * from accepted
