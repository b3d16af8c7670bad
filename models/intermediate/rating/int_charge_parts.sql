{# SPEC P6: a part is a run of dates with the same charge and tier rows in force. #}
with contract_periods as (
    select * from {{ ref('int_contract_periods') }}
),

charges as (
    select * from {{ ref('int_charge_terms') }}
),

tiers as (
    select * from {{ ref('int_tier_terms') }}
),

rated_periods as (
    select distinct
        contract_periods.terms_id,
        contract_periods.rate_plan_id,
        contract_periods.period,
        {{ add_months('contract_periods.period', 1) }} as next_period
    from contract_periods
),

changes as (
    select terms_id, charge_id, effective_from as changes_on from charges
    union
    select terms_id, charge_id, effective_to from charges
    union
    select terms_id, charge_id, effective_from from tiers
    union
    select terms_id, charge_id, effective_to from tiers
),

-- Every date of the period on which a row of the charge or of its tiers begins or ends.
boundaries as (
    select distinct
        rated_periods.terms_id,
        rated_periods.rate_plan_id,
        rated_periods.period,
        rated_periods.next_period,
        charges.charge_id,
        greatest(changes.changes_on, rated_periods.period) as part_from
    from rated_periods
    inner join charges
        on rated_periods.terms_id = charges.terms_id
        and rated_periods.rate_plan_id = charges.rate_plan_id
    inner join changes
        on charges.terms_id = changes.terms_id
        and charges.charge_id = changes.charge_id
        and changes.changes_on < rated_periods.next_period
),

stretches as (
    select
        *,
        coalesce(lead(part_from) over (
            partition by terms_id, charge_id, period order by part_from
        ), next_period) as part_to
    from boundaries
),

parts as (
    select
        contract_periods.contract_id,
        contract_periods.account_id,
        contract_periods.period,
        contract_periods.terms_id,
        contract_periods.currency_code,
        contract_periods.minor_units,
        contract_periods.functions_over_cap,
        charges.* exclude (terms_id, rate_plan_id, effective_from, effective_to),
        greatest(stretches.part_from, contract_periods.in_force_from) as part_from,
        least(stretches.part_to, contract_periods.in_force_to) as part_to,
        -- SPEC P6: with stub_allowance = days what the plan gives for a month shrinks with the dates in force.
        case when contract_periods.stub_allowance = 'days' then contract_periods.days_in_force else 1 end as stub_days,
        case when contract_periods.stub_allowance = 'days' then contract_periods.days_of_period else 1 end as stub_of_days
    from contract_periods
    inner join stretches
        on contract_periods.terms_id = stretches.terms_id
        and contract_periods.rate_plan_id = stretches.rate_plan_id
        and contract_periods.period = stretches.period
        and stretches.part_from < contract_periods.in_force_to
        and contract_periods.in_force_from < stretches.part_to
    inner join charges
        on stretches.terms_id = charges.terms_id
        and stretches.charge_id = charges.charge_id
        and {{ in_force('stretches.part_from', 'charges.effective_from', 'charges.effective_to') }}
),

numbered as (
    select
        *,
        row_number() over of_charge as part_number,
        row_number() over of_charge = 1 as is_first_part,
        lead(part_from) over of_charge is null as is_last_part
    from parts
    window of_charge as (partition by contract_id, period, charge_id order by part_from)
)

select * from numbered
