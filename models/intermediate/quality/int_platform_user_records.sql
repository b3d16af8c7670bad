with users as (
    select * from {{ ref('stg_platform__users') }}
),

files as (
    select * from {{ ref('int_files') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

known_sites as (
    select * from {{ ref('int_known_sites') }}
),

checked as (
    select
        users.*,
        files.file,
        case
            when known_sites.site_id is null then 'unknown_site'
            when users.snapshot_at is null then 'no_instant'
            when not {{ is_plausible('users.snapshot_at', 'run.as_of') }} then 'implausible_instant'
        end as rejected_reason
    from users
    inner join files
        on users.content_id = files.content_id
    left join known_sites
        on users.site_id = known_sites.site_id
    cross join run
),

placed as (
    select
        *,
        case when rejected_reason is null then row_number() over (
                    partition by site_id, snapshot_at, user_id, rejected_reason is null
                    order by file desc, record_index desc, user_index desc
                )
        end as place
    from checked
),

judged as (
    select
        *,
        case
            when rejected_reason is not null then 'rejected'
            when place > 1 then 'other_copy'
            when is_enabled and not coalesce(is_deleted, false) and user_type is not null then 'counted'
            else 'not_counted'
        end as outcome
    from placed
),

explained as (
    select
        *,
        case outcome
            when 'rejected' then rejected_reason
            when 'not_counted' then 'not_an_enabled_human_or_bot'
        end as reason
    from judged
)

select * from explained
