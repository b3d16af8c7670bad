{# SPEC C7: usage of periods older than the adjustment horizon, as the seals that billed it have it. #}
with sealed_usage as (
    select * from {{ ref('stg_sealed__daily_usage') }}
),

frozen as (
    select * from {{ ref('int_sealed_terms') }}
    where is_frozen
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

-- The seals that rest on usage of a frozen period: its own, and those that adjusted it.
resting as (
    select distinct
        frozen.period,
        sealed_usage.seal_period
    from sealed_usage
    inner join frozen
        on {{ period_of('sealed_usage.activity_date') }} = frozen.period
),

sealed_contracts as (
    select distinct contract_id
    from sealed_usage
),

-- Of each contract the usage in the last of them that did not hold it: what it was billed for.
billed_by as (
    select
        resting.period,
        sealed_contracts.contract_id,
        max(resting.seal_period) as seal_period
    from resting
    cross join sealed_contracts
    anti join held
        on resting.seal_period = held.seal_period
        and sealed_contracts.contract_id = held.contract_id
    group by resting.period, sealed_contracts.contract_id
),

settled as (
    select
        sealed_usage.site_id,
        sealed_usage.contract_id,
        sealed_usage.meter,
        sealed_usage.activity_date,
        sealed_usage.is_channel_mapped,
        sealed_usage.quantity
    from sealed_usage
    inner join billed_by
        on {{ period_of('sealed_usage.activity_date') }} = billed_by.period
        and sealed_usage.seal_period = billed_by.seal_period
        and sealed_usage.contract_id is not distinct from billed_by.contract_id
)

select * from settled
