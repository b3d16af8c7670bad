with days as (
    select * from {{ ref('int_site_days') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

contracted as (
    select
        days.*,
        contract_periods.contract_id
    from days
    left join contract_periods
        on days.account_id = contract_periods.account_id
        and days.period = contract_periods.period
        and days.site_date >= contract_periods.in_force_from
        and days.site_date < contract_periods.in_force_to
)

select * from contracted
