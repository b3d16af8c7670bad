with late as (
    select * from {{ ref('int_late_units') }}
),

metered as (
    select
        site_id,
        meter,
        period,
        sum(quantity) as quantity
    from {{ ref('int_metered_usage') }}
    group by site_id, meter, period
),

sealed_usage as (
    select
        site_id,
        meter,
        seal_period,
        sum(quantity) as quantity
    from {{ ref('stg_sealed__daily_usage') }}
    where {{ period_of('activity_date') }} = seal_period
    group by site_id, meter, seal_period
),

sealed_paths as (
    select distinct path
    from {{ ref('stg_sealed__inputs') }}
),

-- A sealed file that came again with more in it brings old units anew: of those no more is late than the month
-- has grown beyond what files of new names brought.
grown as (
    select
        late.*,
        sealed_paths.path is not null as came_again,
        coalesce(metered.quantity, 0) - coalesce(sealed_usage.quantity, 0) as growth,
        coalesce(sum(late.quantity) over (
            partition by late.site_id, late.usage_period, late.meter
            order by sealed_paths.path is not null, late.file
            rows between unbounded preceding and 1 preceding
        ), 0) as already_late
    from late
    left join metered
        on late.site_id = metered.site_id
        and late.meter = metered.meter
        and late.usage_period = metered.period
    left join sealed_usage
        on late.site_id = sealed_usage.site_id
        and late.meter = sealed_usage.meter
        and late.usage_period = sealed_usage.seal_period
    left join sealed_paths
        on late.file = sealed_paths.path
),

capped as (
    select
        file,
        site_id,
        usage_period,
        meter,
        cast(case when came_again then least(quantity, growth - already_late) else quantity end as decimal(18, 6)) as quantity,
        is_new
    from grown
    where not came_again or growth > already_late
)

select * from capped
