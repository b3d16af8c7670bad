{# Until when an export reaches: the last plausible instant of its events, which an instant of the far future or a
   conversation without messages must not hide. Only such contents are read message by message. #}
with files as (
    select * from {{ ref('int_files') }}
    where feed = 'messaging_interactions'
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

unclear as (
    select files.content_id
    from files
    cross join run
    where not coalesce({{ is_plausible('files.last_instant_at', 'run.as_of') }}, false)
),

instants as (
    select content_id, sent_at as happened_at
    from {{ ref('stg_messaging__messages') }}
    where content_id in (select content_id from unclear)
    union all
    select content_id, coalesce(interactive_at, started_at)
    from {{ ref('stg_messaging__cobrowse_sessions') }}
    where content_id in (select content_id from unclear)
),

plausible as (
    select
        instants.content_id,
        max(instants.happened_at) as last_instant_at
    from instants
    cross join run
    where {{ is_plausible('instants.happened_at', 'run.as_of') }}
    group by instants.content_id
),

ends as (
    select
        files.content_id,
        case when unclear.content_id is null then files.last_instant_at else plausible.last_instant_at end as last_instant_at
    from files
    left join unclear
        on files.content_id = unclear.content_id
    left join plausible
        on files.content_id = plausible.content_id
)

select * from ends
