with seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

repricing as (
    select {{ parse_period('usage_period') }} as usage_period
    from {{ ref('repricing') }}
),

-- Whose rules of metering hold: of the last close that rated the period with the terms of its day (SPEC C3).
metered_by as (
    select
        seals.seal_period,
        greatest(seals.seal_period, coalesce(max(repriced.seal_period), seals.seal_period)) as metering_seal
    from seals
    left join {{ ref('stg_sealed__repricing') }} as repriced
        on seals.seal_period = repriced.usage_period
    group by seals.seal_period
),

-- A contract that the period's own close held and that no close has rated since is still to be billed.
owed as (
    select distinct held.seal_period
    from {{ ref('stg_sealed__held_contracts') }} as held
    anti join {{ ref('stg_sealed__contracts') }} as sealed_contracts
        on held.seal_period = sealed_contracts.usage_period
        and held.contract_id = sealed_contracts.contract_id
),

-- So many periods before the first open one can still be adjusted.
horizon as (
    select {{ add_months('max(seal_period)', "1 - try_cast(" ~ setting('adjustment_horizon_months') ~ " as integer)") }} as first_adjustable_period
    from seals
),

-- Sealed periods keep their sealed terms unless repricing names them (SPEC C3); those older than the
-- adjustment horizon are taken from their seal altogether (SPEC C7), once nothing in them is owed.
terms as (
    select
        seals.seal_period as period,
        {{ period_text('seals.seal_period') }} as terms_id,
        metered_by.metering_seal,
        exists(
            select 1
            from repricing
            where repricing.usage_period = seals.seal_period
        ) as is_repriced,
        coalesce(seals.seal_period < horizon.first_adjustable_period, false)
        and seals.seal_period not in (select seal_period from owed) as is_frozen
    from seals
    inner join metered_by
        on seals.seal_period = metered_by.seal_period
    cross join horizon
)

select * from terms
