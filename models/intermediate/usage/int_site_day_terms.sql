{# What the contract of a site and date says of its usage, before any price. #}
with site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

charges as (
    select * from {{ ref('int_charge_terms') }}
    where meter = 'listening'
),

days as (
    select
        site_days.site_id,
        site_days.site_date,
        site_days.period,
        site_days.contract_id,
        contract_periods.terms_id,
        contract_periods.rate_plan_id,
        contract_periods.listening_grain
    from site_days
    left join contract_periods
        on site_days.contract_id = contract_periods.contract_id
        and site_days.period = contract_periods.period
),

-- The plan's listening charge in force on the date; of several the first charge_id (SPEC R8).
contract_dates as (
    select distinct
        terms_id,
        rate_plan_id,
        site_date
    from days
    where terms_id is not null
),

credits as (
    select
        contract_dates.terms_id,
        contract_dates.rate_plan_id,
        contract_dates.site_date,
        min_by(
            {{ unscaled(rounded_quotient(scaled('charges.credits_per_block', 6) ~ ' * 1000000', scaled('coalesce(charges.block_size, 1)', 6)), 6, 18) }},
            charges.charge_id
        ) filter (where charges.credits_per_block is not null) as listening_credits
    from contract_dates
    inner join charges
        on contract_dates.terms_id = charges.terms_id
        and contract_dates.rate_plan_id = charges.rate_plan_id
        and {{ in_force('contract_dates.site_date', 'charges.effective_from', 'charges.effective_to') }}
    group by all
),

terms as (
    select
        days.site_id,
        days.site_date,
        days.period,
        days.contract_id,
        days.terms_id,
        days.rate_plan_id,
        coalesce(days.listening_grain, 'dar') as listening_grain,
        coalesce(credits.listening_credits, cast({{ setting('listening_credits_without_term') }} as decimal(18, 6))) as listening_credits
    from days
    left join credits
        on days.terms_id = credits.terms_id
        and days.rate_plan_id = credits.rate_plan_id
        and days.site_date = credits.site_date
)

select * from terms
