{# A close bills what it finds for every earlier period, except for the contracts that it holds: what has
   happened since a contract's last such close is what can explain an adjustment of it (SPEC C3). #}
with seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

contracts as (
    select distinct contract_id
    from {{ ref('int_contract_periods') }}
    union
    select distinct contract_id
    from {{ ref('stg_sealed__contracts') }}
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

settled as (
    select
        contracts.contract_id,
        max(seals.seal_period) as settled_in
    from contracts
    cross join seals
    anti join held
        on seals.seal_period = held.seal_period
        and contracts.contract_id = held.contract_id
    group by contracts.contract_id
)

select * from settled
