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
