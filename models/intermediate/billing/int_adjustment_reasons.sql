{# Every reason found for a difference between what a sealed period costs now and what was billed (SPEC C3):
   what has come, gone or changed since the last close that billed the contract. #}
with adjustments as (
    select
        adjustments.invoice_line_id,
        adjustments.contract_id,
        adjustments.meter,
        adjustments.usage_period,
        adjustments.quantity,
        coalesce(settled.settled_in, date '0001-01-01') as settled_in
    from {{ ref('int_adjustments') }} as adjustments
    left join {{ ref('int_settled_contracts') }} as settled
        on adjustments.contract_id = settled.contract_id
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

billed as (
    select distinct contract_id, usage_period
    from {{ ref('int_billed_before') }}
),

-- The sites that a contract has, or had when it was billed.
contract_sites as (
    select contract_id, site_id, period
    from {{ ref('int_site_day_contracts') }}
    where contract_id is not null
    union
    select lines.contract_id, line_sites.site_id, lines.usage_period
    from {{ ref('stg_sealed__invoice_line_sites') }} as line_sites
    inner join {{ ref('stg_sealed__invoice_lines') }} as lines
        on line_sites.invoice_line_id = lines.invoice_line_id
),

late as (
    select * from {{ ref('int_late_usage') }}
    where is_new
),

conflicts as (
    select * from {{ ref('int_conflicts') }}
),

changed_sites as (
    select * from {{ ref('int_changed_sites') }}
),

-- Usage as it is metered now, and as the last seal that rests on its period has it: of which site it is another.
metered as (
    select site_id, contract_id, meter, activity_date, sum(quantity) as quantity
    from {{ ref('int_metered_usage') }}
    group by site_id, contract_id, meter, activity_date
),

sealed_usage as (
    select * from {{ ref('stg_sealed__daily_usage') }}
),

last_sealed as (
    select
        {{ period_of('activity_date') }} as period,
        max(seal_period) as seal_period
    from sealed_usage
    group by all
),

metered_before as (
    select
        sealed_usage.site_id,
        sealed_usage.contract_id,
        sealed_usage.meter,
        sealed_usage.activity_date,
        sum(sealed_usage.quantity) as quantity
    from sealed_usage
    inner join last_sealed
        on {{ period_of('sealed_usage.activity_date') }} = last_sealed.period
        and sealed_usage.seal_period = last_sealed.seal_period
    group by sealed_usage.site_id, sealed_usage.contract_id, sealed_usage.meter, sealed_usage.activity_date
),

come as (
    select * from metered
    except
    select * from metered_before
),

gone as (
    select * from metered_before
    except
    select * from metered
),

moved as (
    select * from come
    union all
    select * from gone
),

moved_sites as (
    select distinct
        site_id,
        meter,
        {{ period_of('activity_date') }} as period
    from moved
),

daily_meters as (
    select distinct meter
    from metered
    union
    select distinct meter
    from metered_before
),

terms as (
    select * from {{ ref('int_sealed_terms') }}
),

repriced_before as (
    select * from {{ ref('stg_sealed__repricing') }}
),

sealed_contracts as (
    select distinct usage_period, contract_id
    from {{ ref('stg_sealed__contracts') }}
),

-- Files that a seal rests on and that withdrawals.csv has taken away, with the first seal that knows it.
withdrawn as (
    select
        sealed_inputs.path,
        sealed_inputs.first_instant_at,
        sealed_inputs.last_instant_at,
        coalesce(min(before.seal_period), date '9999-12-01') as withdrawn_in
    from {{ ref('stg_sealed__inputs') }} as sealed_inputs
    inner join {{ ref('withdrawals') }} as withdrawals
        on sealed_inputs.path = withdrawals.path
    left join {{ ref('stg_sealed__withdrawals') }} as before
        on sealed_inputs.path = before.path
    where sealed_inputs.path not in (select path from {{ ref('stg_landing__files') }})
        and sealed_inputs.sha256 not in (select sha256 from {{ ref('stg_landing__files') }})
    group by all
),

found as (
    select
        adjustments.invoice_line_id,
        'held' as reason
    from adjustments
    inner join held
        on adjustments.contract_id = held.contract_id
        and adjustments.usage_period = held.seal_period
    anti join billed
        on adjustments.contract_id = billed.contract_id
        and adjustments.usage_period = billed.usage_period
    union
    select
        adjustments.invoice_line_id,
        'late_usage'
    from adjustments
    inner join contract_sites
        on adjustments.contract_id = contract_sites.contract_id
        and adjustments.usage_period = contract_sites.period
    inner join late
        on contract_sites.site_id = late.site_id
        and adjustments.usage_period = late.usage_period
        and adjustments.meter = late.meter
    union
    select
        adjustments.invoice_line_id,
        'conflict'
    from adjustments
    inner join contract_sites
        on adjustments.contract_id = contract_sites.contract_id
        and adjustments.usage_period = contract_sites.period
    inner join conflicts
        on contract_sites.site_id = conflicts.site_id
        and adjustments.usage_period = {{ period_of('conflicts.activity_date') }}
        and conflicts.last_arrived_in > adjustments.settled_in
        and (
            adjustments.meter = conflicts.meter
            or (conflicts.meter = 'dar' and adjustments.meter in ('channel_credit', 'listening'))
        )
    union
    select
        adjustments.invoice_line_id,
        'zone_history'
    from adjustments
    inner join contract_sites
        on adjustments.contract_id = contract_sites.contract_id
        and adjustments.usage_period = contract_sites.period
    inner join changed_sites
        on contract_sites.site_id = changed_sites.site_id
        and adjustments.settled_in = changed_sites.seal_period
        and changed_sites.changed_from < {{ instant_of_midnight(add_months('adjustments.usage_period', 1), -86400) }}
    left join moved_sites
        on contract_sites.site_id = moved_sites.site_id
        and adjustments.meter = moved_sites.meter
        and adjustments.usage_period = moved_sites.period
    where moved_sites.site_id is not null
        -- What is counted by the period has no dates to compare.
        or adjustments.meter not in (select meter from daily_meters)
    union
    select
        adjustments.invoice_line_id,
        'terms'
    from adjustments
    left join terms
        on adjustments.usage_period = terms.period
    left join repriced_before
        on adjustments.usage_period = repriced_before.usage_period
        and adjustments.settled_in = repriced_before.seal_period
    left join sealed_contracts
        on adjustments.usage_period = sealed_contracts.usage_period
        and adjustments.contract_id = sealed_contracts.contract_id
    left join held
        on adjustments.contract_id = held.contract_id
        and adjustments.usage_period = held.seal_period
    where (terms.is_repriced and repriced_before.seal_period is null)
        or (sealed_contracts.contract_id is null and held.contract_id is null)
    union
    select
        adjustments.invoice_line_id,
        'withdrawn'
    from adjustments
    inner join withdrawn
        on withdrawn.withdrawn_in > adjustments.settled_in
        and split_part(withdrawn.path, '/', 1) = case adjustments.meter
            when 'function_invocation' then 'function_invocations'
            when 'platform_user' then 'platform_users'
            else 'messaging_interactions'
        end
        and coalesce(withdrawn.first_instant_at < {{ instant_of_midnight(add_months('adjustments.usage_period', 1), -86400) }}, true)
        and coalesce(withdrawn.last_instant_at >= {{ instant_of_midnight('adjustments.usage_period', 86400) }}, true)
),

-- Zone data of another release than the last close's moves dates without any row of ours.
other_zone_data as (
    select seals.seal_period
    from {{ ref('stg_sealed__seals') }} as seals
    cross join {{ ref('stg_run__settings') }} as run
    where seals.tzdata_version <> run.tzdata_version
),

-- Usage that a corrected file took away, or that a policy row brought in, has no late unit of its own; a
-- difference without usage can only come from terms.
explained as (
    select
        adjustments.invoice_line_id,
        coalesce(
            string_agg(found.reason, ',' order by found.reason),
            case
                when adjustments.quantity = 0 then 'terms'
                when any_value(other_zone_data.seal_period) is not null then 'zone_history'
                else 'late_usage'
            end
        ) as reasons
    from adjustments
    left join found
        on adjustments.invoice_line_id = found.invoice_line_id
    left join other_zone_data
        on adjustments.settled_in = other_zone_data.seal_period
    group by adjustments.invoice_line_id, adjustments.quantity
)

select * from explained
