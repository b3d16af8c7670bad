with usage as (
    select * from {{ ref('int_rateable_usage') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

unrated as (
    select
        usage.site_id,
        usage.contract_id,
        usage.meter,
        usage.activity_date,
        usage.period,
        usage.unrated_reason as reason,
        cast(sum(usage.quantity) as decimal(18, 6)) as quantity
    from usage
    cross join run
    where usage.unrated_reason is not null
        and usage.period <= run.period
    group by all
)

select * from unrated
