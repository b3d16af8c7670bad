with snapshots as (
    select * from {{ ref('stg_platform__snapshots') }}
),

users as (
    select * from {{ ref('stg_platform__users') }}
),

site_days as (
    select * from {{ ref('int_site_days') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

usable as (
    select snapshots.*
    from snapshots
    cross join run
    where
        {{ is_plausible('snapshots.snapshot_at', 'run.as_of') }}
        and snapshots.site_id in (select site_id from {{ ref('int_known_sites') }})
),

-- A user listed twice in one snapshot is one user, as the later place has it.
listed as (
    select *
    from users
    qualify row_number() over (partition by content_id, record_index, user_id order by user_index desc) = 1
),

counted as (
    select
        usable.content_id,
        usable.record_index,
        usable.site_id,
        usable.snapshot_at,
        count_if(listed.is_enabled and not coalesce(listed.is_deleted, false) and listed.user_type is not null) as users
    from usable
    left join listed
        on usable.content_id = listed.content_id
        and usable.record_index = listed.record_index
    group by usable.content_id, usable.record_index, usable.site_id, usable.snapshot_at
),

-- Of two snapshots of one instant both are in force: the one with more users counts.
largest as (
    select
        site_id,
        snapshot_at,
        max(users) as users
    from counted
    group by site_id, snapshot_at
),

held as (
    select
        *,
        coalesce(lead(snapshot_at) over (partition by site_id order by snapshot_at), {{ last_instant() }}) as holds_until
    from largest
),

-- Per date the most users of any snapshot in force on it (SPEC R11).
days as (
    select
        site_days.site_id,
        site_days.site_date,
        cast(max(held.users) as bigint) as users
    from site_days
    inner join held
        on site_days.site_id = held.site_id
        and held.snapshot_at < site_days.last_instant_at
        and site_days.first_instant_at < held.holds_until
    group by all
)

select * from days
