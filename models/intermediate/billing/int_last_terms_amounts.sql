with rated as (
    select
        contract_id,
        charge_id,
        period,
        sum(amount) filter (where scenario = 'last_terms') as amount,
        sum(amount) filter (where scenario = 'last_terms_before') as amount_before
    from {{ ref('int_rated_usage') }}
    where scenario in ('last_terms', 'last_terms_before')
    group by contract_id, charge_id, period
),

-- A share by days of what the plan gives for a month is no change of price or volume.
shared as (
    select distinct
        contract_id,
        charge_id,
        period
    from {{ ref('int_charge_parts') }}
    where stub_days <> stub_of_days
),

amounts as (
    select
        rated.contract_id,
        rated.charge_id,
        rated.period,
        rated.amount,
        rated.amount_before,
        this_month.period is not null or last_month.period is not null as is_shared_by_days
    from rated
    left join shared as this_month
        on rated.contract_id = this_month.contract_id
        and rated.charge_id = this_month.charge_id
        and rated.period = this_month.period
    left join shared as last_month
        on rated.contract_id = last_month.contract_id
        and rated.charge_id = last_month.charge_id
        and rated.period = {{ add_months('last_month.period', 1) }}
)

select * from amounts
