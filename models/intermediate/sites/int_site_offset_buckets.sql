with offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

contents as (
    select * from {{ ref('stg_landing__contents') }}
),

loaded as (
    select
        min(first_instant_at) as first_instant_at,
        max(last_instant_at) as last_instant_at
    from contents
),

-- Only the stretches in which events lie: the join that reads this touches every message.
needed as (
    select offsets.*
    from offsets
    inner join loaded
        on offsets.valid_from <= loaded.last_instant_at
        and loaded.first_instant_at < offsets.valid_to
),

buckets as (
    select
        needed.site_id,
        {{ each_number(
            instant_bucket('greatest(needed.valid_from, loaded.first_instant_at)'),
            instant_bucket('least(' ~ last_moment_before('needed.valid_to') ~ ', loaded.last_instant_at)')
        ) }} as instant_bucket,
        needed.valid_from,
        needed.valid_to,
        needed.utc_offset_seconds,
        needed.listening_enabled
    from needed
    cross join loaded
)

select * from buckets
