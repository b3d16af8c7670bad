with progress as (
    select * from {{ ref('int_usage_progress') }}
),

rated as (
    select
        contract_id,
        period,
        meter,
        arg_min(included_quantity, charge_id) filter (where is_last and charge_model <> 'flat' and scenario = 'projected') as included_quantity,
        sum(amount) filter (where scenario = 'projected') as projected_amount
    from (
        select
            *,
            part_number = max(part_number) over (partition by scenario, contract_id, period, charge_id) as is_last
        from {{ ref('int_rated_usage') }}
    ) as parts
    group by contract_id, period, meter
),

settings as (
    select
        cast({{ setting('alert_near') }} as decimal(9, 6)) as alert_near,
        cast({{ setting('alert_over') }} as decimal(9, 6)) as alert_over
),

usage as (
    select
        progress.contract_id,
        progress.meter,
        progress.period,
        progress.as_of,
        progress.quantity,
        cast(rated.included_quantity as decimal(18, 6)) as included_quantity,
        case when rated.included_quantity > 0 then {{ unscaled(
            rounded_quotient(scaled('progress.quantity', 6) ~ ' * 1000000', 'case when rated.included_quantity > 0 then ' ~ scaled('rated.included_quantity', 6) ~ ' else 1 end'),
            6, 18
        ) }} end as used_fraction,
        progress.projected_quantity,
        cast(rated.projected_amount as decimal(18, 4)) as projected_amount,
        -- Against the exact quantities, not the rounded fraction.
        case
            when coalesce(rated.included_quantity, 0) = 0 then 'ok'
            when progress.quantity > rated.included_quantity * settings.alert_over then 'over'
            when progress.quantity >= rated.included_quantity * settings.alert_near then 'near'
            else 'ok'
        end as alert_level
    from progress
    left join rated
        on progress.contract_id = rated.contract_id
        and progress.period = rated.period
        and progress.meter = rated.meter
    cross join settings
)

select * from usage
