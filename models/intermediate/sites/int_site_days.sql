with offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

calendar as (
    select
        {{ instant_of_midnight('min(period)', 86400) }} as first_instant_at,
        {{ instant_of_midnight('max(next_period)', -86400) }} as last_instant_at
    from {{ ref('int_periods') }}
),

stretches as (
    select
        offsets.site_id,
        offsets.utc_offset_seconds,
        offsets.account_id,
        greatest(offsets.valid_from, calendar.first_instant_at) as valid_from,
        least(offsets.valid_to, calendar.last_instant_at) as valid_to
    from offsets
    inner join calendar
        on offsets.valid_from < calendar.last_instant_at
        and calendar.first_instant_at < offsets.valid_to
),

dates as (
    select
        *,
        {{ each_date(
            site_date('valid_from', 'utc_offset_seconds'),
            site_date(last_moment_before('valid_to'), 'utc_offset_seconds')
        ) }} as site_date
    from stretches
),

-- The part of a stretch on which the site's clocks show the date.
pieces as (
    select
        site_id,
        site_date,
        account_id,
        greatest(valid_from, {{ instant_of_midnight('site_date', 'utc_offset_seconds') }}) as piece_from,
        least(valid_to, {{ instant_of_midnight('site_date + 1', 'utc_offset_seconds') }}) as piece_to
    from dates
),

ordered as (
    select
        *,
        coalesce(piece_from <> lag(piece_to) over of_date, true) as starts_apart
    from pieces
    window of_date as (partition by site_id, site_date order by piece_from)
),

days as (
    select
        site_id,
        site_date,
        {{ period_of('site_date') }} as period,
        min(piece_from) as first_instant_at,
        max(piece_to) as last_instant_at,
        cast(count_if(starts_apart) as integer) as pieces,
        cast(sum({{ seconds_between('piece_from', 'piece_to') }}) as bigint) as seconds,
        -- The account of a (site, date) is that in force at the first instant that carries it (SPEC R6).
        min_by(account_id, piece_from) as account_id
    from ordered
    group by site_id, site_date
),

-- Dates that are whole inside the calendar; its edges are cut.
whole as (
    select days.*
    from days
    where period in (select period from {{ ref('int_periods') }})
)

select * from whole
