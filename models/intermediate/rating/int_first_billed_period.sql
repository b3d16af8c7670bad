with usage as (
    select * from {{ ref('int_metered_usage') }}
),

seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

-- The stated period; else what the first seal began with; else the first month, over all contracts, in
-- which counted usage has a contract (SPEC section 7).
first_billed as (
    select coalesce(
        {{ parse_period(setting('first_billed_period')) }},
        (select min(first_billed_period) from seals),
        (select min(period) from usage where contract_id is not null)
    ) as first_billed_period
)

select * from first_billed
