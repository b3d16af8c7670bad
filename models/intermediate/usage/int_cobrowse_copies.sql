with sessions as (
    select * from {{ ref('stg_messaging__cobrowse_sessions') }}
),

files as (
    select * from {{ ref('int_files') }}
),

contested_copies as (
    select * from {{ ref('int_session_copies') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

known_sites as (
    select * from {{ ref('int_known_sites') }}
),

-- Dated by the instant it became interactive, else by its start (SPEC R9).
instants as (
    select
        sessions.*,
        case
            when sessions.is_interactive then coalesce(sessions.interactive_at, sessions.started_at)
            else sessions.started_at
        end as occurred_at
    from sessions
),

checked as (
    select
        instants.*,
        files.file,
        files.arrived_in,
        contested_copies.messages as copy_messages,
        contested_copies.last_message_at as copy_last_message_at,
        case
            when known_sites.site_id is null then 'unknown_site'
            when instants.occurred_at is null then 'no_instant'
            when not {{ is_plausible('instants.occurred_at', 'run.as_of') }} then 'implausible_instant'
        end as rejected_reason
    from instants
    inner join files
        on instants.content_id = files.content_id
    left join contested_copies
        on instants.conversation_copy_id = contested_copies.conversation_copy_id
    left join known_sites
        on instants.site_id = known_sites.site_id
    cross join run
),

-- A session is interactive if any copy says so; only interactive copies then decide (SPEC R9).
ranked as (
    select
        *,
        case when rejected_reason is null then row_number() over (
                    partition by site_id, session_id, rejected_reason is null
                    order by
                        is_interactive desc,
                        copy_last_message_at desc,
                        copy_messages desc,
                        file desc,
                        record_index desc,
                        session_index desc
                )
        end as place,
        case when rejected_reason is null then bool_or(is_interactive) over (
                    partition by site_id, session_id, rejected_reason is null
                )
        end as is_session_interactive,
        -- A session counts from the copy on that says that it turned interactive.
        case when rejected_reason is null then coalesce(
                    min(case when is_interactive then arrived_in end) over (
                        partition by site_id, session_id, rejected_reason is null
                    ),
                    min(arrived_in) over (partition by site_id, session_id, rejected_reason is null)
                )
        end as first_arrived_in
    from checked
)

select * from ranked
