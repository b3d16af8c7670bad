{# Every reason found for a difference between what a sealed period costs now and what was billed (SPEC C3). #}
with adjustments as (
    select * from {{ ref('int_adjustments') }}
),

held as (
    select distinct seal_period, contract_id
    from {{ ref('stg_sealed__held_contracts') }}
),

billed as (
    select distinct contract_id, usage_period
    from {{ ref('int_billed_before') }}
),

site_days as (
    select distinct contract_id, site_id, period
    from {{ ref('int_site_day_contracts') }}
    where contract_id is not null
),

late as (
    select * from {{ ref('int_late_usage') }}
    where is_new
),

conflicts as (
    select * from {{ ref('int_conflicts') }}
),

terms as (
    select * from {{ ref('int_sealed_terms') }}
),

sites as (
    select site_id, account_id, time_zone, listening_enabled, effective_at
    from {{ ref('stg_reference__sites') }}
),

sealed_sites as (
    select * from {{ ref('stg_sealed__sites') }}
),

sealed_contracts as (
    select distinct usage_period, contract_id
    from {{ ref('stg_sealed__contracts') }}
),

withdrawn as (
    select
        sealed_inputs.first_instant_at,
        sealed_inputs.last_instant_at
    from {{ ref('stg_sealed__inputs') }} as sealed_inputs
    inner join {{ ref('withdrawals') }} as withdrawals
        on sealed_inputs.path = withdrawals.path
    where sealed_inputs.path not in (select path from {{ ref('stg_landing__files') }})
        and sealed_inputs.sha256 not in (select sha256 from {{ ref('stg_landing__files') }})
),

-- Sites whose dated rows, before the period's end, are no longer those that the seal used.
changed_sites as (
    select
        seals.seal_period as period,
        sites.site_id
    from {{ ref('stg_sealed__seals') }} as seals
    cross join sites
    anti join sealed_sites
        on seals.seal_period = sealed_sites.seal_period
        and sites.site_id = sealed_sites.site_id
        and sites.account_id = sealed_sites.account_id
        and sites.time_zone = sealed_sites.time_zone
        and sites.listening_enabled = sealed_sites.listening_enabled
        and sites.effective_at = sealed_sites.effective_at
    where sites.effective_at < {{ instant_of_midnight(add_months('seals.seal_period', 1), -86400) }}
    union
    select
        sealed_sites.seal_period,
        sealed_sites.site_id
    from sealed_sites
    anti join sites
        on sites.site_id = sealed_sites.site_id
        and sites.account_id = sealed_sites.account_id
        and sites.time_zone = sealed_sites.time_zone
        and sites.listening_enabled = sealed_sites.listening_enabled
        and sites.effective_at = sealed_sites.effective_at
    where sealed_sites.effective_at < {{ instant_of_midnight(add_months('sealed_sites.seal_period', 1), -86400) }}
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
    inner join site_days
        on adjustments.contract_id = site_days.contract_id
        and adjustments.usage_period = site_days.period
    inner join late
        on site_days.site_id = late.site_id
        and adjustments.usage_period = late.usage_period
        and (adjustments.meter = late.meter)
    union
    select
        adjustments.invoice_line_id,
        'conflict'
    from adjustments
    inner join site_days
        on adjustments.contract_id = site_days.contract_id
        and adjustments.usage_period = site_days.period
    inner join conflicts
        on site_days.site_id = conflicts.site_id
        and adjustments.usage_period = {{ period_of('conflicts.activity_date') }}
        and conflicts.last_arrived_in > adjustments.usage_period
        and (
            adjustments.meter = conflicts.meter
            or (conflicts.meter = 'dar' and adjustments.meter in ('channel_credit', 'listening'))
        )
    union
    select
        adjustments.invoice_line_id,
        'zone_history'
    from adjustments
    inner join changed_sites
        on adjustments.usage_period = changed_sites.period
    inner join site_days
        on changed_sites.site_id = site_days.site_id
    where site_days.contract_id = adjustments.contract_id
        or changed_sites.site_id in (
            select line_sites.site_id
            from {{ ref('stg_sealed__invoice_line_sites') }} as line_sites
            inner join {{ ref('stg_sealed__invoice_lines') }} as lines
                on line_sites.invoice_line_id = lines.invoice_line_id
            where lines.contract_id = adjustments.contract_id
        )
    union
    select
        adjustments.invoice_line_id,
        'terms'
    from adjustments
    left join terms
        on adjustments.usage_period = terms.period
    left join sealed_contracts
        on adjustments.usage_period = sealed_contracts.usage_period
        and adjustments.contract_id = sealed_contracts.contract_id
    left join held
        on adjustments.contract_id = held.contract_id
        and adjustments.usage_period = held.seal_period
    where terms.is_repriced
        or (sealed_contracts.contract_id is null and held.contract_id is null)
    union
    select
        adjustments.invoice_line_id,
        'withdrawn'
    from adjustments
    inner join withdrawn
        on withdrawn.first_instant_at < {{ instant_of_midnight(add_months('adjustments.usage_period', 1), -86400) }}
        and withdrawn.last_instant_at >= {{ instant_of_midnight('adjustments.usage_period', 86400) }}
),

-- Zone data of another release than the seal's moves dates without any row of ours.
other_zone_data as (
    select seals.seal_period
    from {{ ref('stg_sealed__seals') }} as seals
    cross join {{ ref('stg_run__settings') }} as run
    where seals.tzdata_version <> run.tzdata_version
),

-- Usage that a corrected file took away, or that a policy row brought in, has no late unit of its own.
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
        on adjustments.usage_period = other_zone_data.seal_period
    group by adjustments.invoice_line_id, adjustments.quantity
)

select * from explained
