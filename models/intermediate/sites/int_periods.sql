with run as (
    select * from {{ ref('stg_run__settings') }}
),

contents as (
    select * from {{ ref('stg_landing__contents') }}
),

seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

-- The calendar that anything here can fall on: from the first event (a local date may be the day before
-- its UTC date), the first seal or the first stated period, to the end of what is asked for or of today.
bounds as (
    select
        least(
            coalesce(
                (select {{ period_of(site_date('min(first_instant_at)', -86400)) }} from contents),
                {{ period_of(site_date('run.as_of', 0)) }}
            ),
            coalesce((select min(first_billed_period) from seals), run.period),
            coalesce({{ parse_period(setting('first_billed_period')) }}, run.period),
            run.period
        ) as first_period,
        greatest(run.period, {{ period_of(site_date('run.as_of', 2 * 86400)) }}) as last_period,
        run.period as run_period,
        (select max(seal_period) from seals) as head_period
    from run
),

listed as (
    select
        {{ each_month('first_period', 'last_period') }} as period,
        run_period,
        head_period
    from bounds
),

periods as (
    select
        period,
        {{ add_months('period', 1) }} as next_period,
        period <= coalesce(head_period, date '0001-01-01') as is_closed,
        period = run_period as is_run_period
    from listed
)

select * from periods
