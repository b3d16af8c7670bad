{# What every charge of every contract costs, part by part, for the periods that billing holds. #}
with rated as (
    select * from {{ ref('int_rated_usage') }}
),

periods as (
    select * from {{ ref('int_periods') }}
),

first_billed as (
    select * from {{ ref('int_first_billed_period') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

lines as (
    select
        rated.contract_id || ':' || {{ period_text('rated.period') }} || ':' || rated.charge_id || ':'
        || lpad(cast(rated.part_number as varchar), 2, '0') as invoice_line_id,
        case when rated.meter = 'subscription' then 'subscription' else 'charge' end as line_kind,
        periods.is_closed,
        rated.* exclude (scenario)
    from rated
    inner join periods
        on rated.period = periods.period
    cross join first_billed
    cross join run
    where rated.scenario = 'actual'
        and rated.period >= first_billed.first_billed_period
        and rated.period <= run.period
)

select * from lines
