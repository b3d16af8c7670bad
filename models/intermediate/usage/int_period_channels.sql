{# SPEC C3, R13: a source mapped when its period was sealed stays as it was; one mapped later comes in. #}
with periods as (
    select * from {{ ref('int_periods') }}
),

channels as (
    select * from {{ ref('channels') }}
),

kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

sealed_channels as (
    select * from {{ ref('stg_sealed__channels') }}
),

todays as (
    select
        periods.period,
        channels.source,
        channels.channel
    from periods
    cross join channels
),

sealed as (
    select
        kept_terms.period,
        sealed_channels.source,
        sealed_channels.channel
    from kept_terms
    inner join sealed_channels
        on kept_terms.metering_seal = sealed_channels.seal_period
),

effective as (
    select
        coalesce(sealed.period, todays.period) as period,
        coalesce(sealed.source, todays.source) as source,
        coalesce(sealed.channel, todays.channel) as channel
    from todays
    full outer join sealed
        on todays.period = sealed.period
        and todays.source = sealed.source
)

select * from effective
