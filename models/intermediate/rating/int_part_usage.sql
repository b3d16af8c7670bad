with parts as (
    select * from {{ ref('int_charge_parts') }}
),

usage as (
    select
        contract_id,
        meter,
        period,
        activity_date,
        sum(quantity) as quantity
    from {{ ref('int_rateable_usage') }}
    where unrated_reason is null
        and contract_id is not null
        and is_channel_mapped
    group by all
),

users as (
    select * from {{ ref('int_platform_users') }}
),

progress as (
    select * from {{ ref('int_usage_progress') }}
),

sealed_quantities as (
    select
        contract_id,
        charge_id,
        usage_period,
        sum(quantity) as quantity
    from {{ ref('stg_sealed__invoice_lines') }}
    where billing_period = usage_period
        and line_kind <> 'adjustment'
    group by contract_id, charge_id, usage_period
),

dated as (
    select
        parts.contract_id,
        parts.period,
        parts.charge_id,
        parts.part_number,
        sum(usage.quantity) as quantity
    from parts
    inner join usage
        on parts.contract_id = usage.contract_id
        and parts.meter = usage.meter
        and parts.period = usage.period
        and usage.activity_date >= parts.part_from
        and usage.activity_date < parts.part_to
    group by all
),

-- Meters of the period, and flat prices, stand at the first part: later terms price no second time what
-- the first has priced (SPEC P6).
counted as (
    select
        parts.*,
        cast(case
            when parts.charge_model = 'flat' or parts.meter = 'subscription' then cast(parts.is_first_part as integer)
            when parts.meter = 'platform_user' then case when parts.is_first_part then coalesce(users.provisioned_users, 0) else 0 end
            else coalesce(dated.quantity, 0)
        end as decimal(18, 6)) as quantity
    from parts
    left join dated
        on parts.contract_id = dated.contract_id
        and parts.period = dated.period
        and parts.charge_id = dated.charge_id
        and parts.part_number = dated.part_number
    left join users
        on parts.contract_id = users.contract_id
        and parts.period = users.period
),

-- What each month was billed for: a closed one as sealed.
months as (
    select
        counted.contract_id,
        counted.charge_id,
        counted.period,
        counted.stub_days,
        counted.stub_of_days,
        coalesce(any_value(sealed_quantities.quantity), sum(counted.quantity)) as quantity
    from counted
    left join sealed_quantities
        on counted.contract_id = sealed_quantities.contract_id
        and counted.charge_id = sealed_quantities.charge_id
        and counted.period = sealed_quantities.usage_period
    group by counted.contract_id, counted.charge_id, counted.period, counted.stub_days, counted.stub_of_days
),

-- A month and the one before it, both at the terms that the one before ended with: what of a change is the volume's.
at_last_terms as (
    select
        sides.scenario,
        before.* replace (
            this_month.period as period,
            1 as part_number,
            true as is_first_part,
            this_month.stub_days as stub_days,
            this_month.stub_of_days as stub_of_days,
            cast(case sides.scenario when 'last_terms' then this_month.quantity else last_month.quantity end as decimal(18, 6)) as quantity
        )
    from counted as before
    inner join months as this_month
        on before.contract_id = this_month.contract_id
        and before.charge_id = this_month.charge_id
        and {{ add_months('before.period', 1) }} = this_month.period
    inner join months as last_month
        on before.contract_id = last_month.contract_id
        and before.charge_id = last_month.charge_id
        and before.period = last_month.period
    cross join (values ('last_terms'), ('last_terms_before')) as sides (scenario)
    where before.is_last_part
),

-- What the running month comes to if it goes on as it went: the rest falls to the last part, and is rated
-- by the same formula.
scenarios as (
    select
        'actual' as scenario,
        counted.*
    from counted
    union all
    select
        'projected' as scenario,
        counted.* replace (
            cast(counted.quantity + case
                when counted.is_last_part then progress.projected_quantity - progress.quantity else 0
            end as decimal(18, 6)) as quantity
        )
    from counted
    inner join progress
        on counted.contract_id = progress.contract_id
        and counted.period = progress.period
        and counted.meter = progress.meter
    where counted.charge_model <> 'flat'
    union all
    select * from at_last_terms
),

accumulated as (
    select
        *,
        sum(quantity) over (
            partition by scenario, contract_id, period, charge_id
            order by part_number
            rows between unbounded preceding and current row
        ) as quantity_to,
        meter = 'function_invocation' and functions_over_cap = 'suspended' as is_suspended
    from scenarios
)

select
    * replace (cast(quantity_to as decimal(18, 6)) as quantity_to),
    cast(quantity_to - quantity as decimal(18, 6)) as quantity_from
from accumulated
