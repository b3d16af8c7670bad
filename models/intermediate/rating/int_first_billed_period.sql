with usage as (
    select * from {{ ref('int_metered_usage') }}
),

seals as (
    select * from {{ ref('stg_sealed__seals') }}
),

-- What the first seal began with: a chain cannot begin elsewhere afterwards. Before it the stated period, else
-- the first month, over all contracts, in which counted usage has a contract (SPEC section 7).
first_billed as (
    select coalesce(
        (select min(first_billed_period) from seals),
        {{ parse_period(setting('first_billed_period')) }},
        (select min(period) from usage where contract_id is not null)
    ) as first_billed_period
)

select * from first_billed
