{# SPEC C5, R13: unrated usage and conflicts in a billed quantity hold their contract's invoice (without a
   contract: the export) until a row of acknowledgements.csv covers them; it lapses when the quantity grows. #}
with unrated as (
    select * from {{ ref('int_unrated_usage') }}
),

conflicts as (
    select * from {{ ref('int_conflicts') }}
    where is_billed
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

acknowledgements as (
    select
        row_number() over (order by "check", contract_id, site_id, meter, period, quantity) as acknowledgement,
        "check" as check_name,
        contract_id,
        site_id,
        meter,
        {{ parse_period('period') }} as period,
        quantity
    from {{ ref('acknowledgements') }}
),

first_billed as (
    select * from {{ ref('int_first_billed_period') }}
),

frozen as (
    select * from {{ ref('int_sealed_terms') }}
    where is_frozen
),

incomplete as (
    select * from {{ ref('int_incomplete_inputs') }}
    where contract_id is not null
        and {{ setting('hold_incomplete_inputs') }} = 'true'
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

findings as (
    select
        'unrated_usage' as check_name,
        contract_id,
        site_id,
        meter,
        period,
        sum(quantity) as quantity
    from unrated
    group by all
    union all
    select
        'conflict',
        site_days.contract_id,
        conflicts.site_id,
        conflicts.meter,
        {{ period_of('conflicts.activity_date') }},
        count(*)
    from conflicts
    left join site_days
        on conflicts.site_id = site_days.site_id
        and conflicts.activity_date = site_days.site_date
    cross join first_billed
    cross join run
    where {{ period_of('conflicts.activity_date') }} >= first_billed.first_billed_period
        and {{ period_of('conflicts.activity_date') }} <= run.period
    group by all
    union all
    select
        'incomplete_inputs',
        contract_id,
        site_id,
        'dar',
        period,
        count(*)
    from incomplete
    group by all
),

numbered as (
    select
        row_number() over (order by check_name, contract_id, site_id, meter, period) as finding,
        findings.*
    from findings
    where findings.period not in (select period from frozen)
),

matched as (
    select
        acknowledgements.acknowledgement,
        numbered.finding,
        sum(numbered.quantity) over (partition by acknowledgements.acknowledgement) as covered_quantity,
        acknowledgements.quantity as acknowledged_quantity
    from acknowledgements
    inner join numbered
        on acknowledgements.check_name = numbered.check_name
        and coalesce(acknowledgements.contract_id, numbered.contract_id, '') = coalesce(numbered.contract_id, '')
        and coalesce(acknowledgements.site_id, numbered.site_id) = numbered.site_id
        and acknowledgements.meter = numbered.meter
        and acknowledgements.period = numbered.period
),

released as (
    select
        finding,
        bool_or(covered_quantity <= acknowledged_quantity) as is_released,
        max(acknowledged_quantity) as acknowledged_quantity
    from matched
    group by finding
),

placed as (
    select
        numbered.check_name,
        numbered.contract_id,
        numbered.site_id,
        numbered.meter,
        numbered.period as usage_period,
        greatest(numbered.period, coalesce((select min(period) from {{ ref('int_open_periods') }}), numbered.period)) as billing_period,
        cast(numbered.quantity as decimal(18, 6)) as quantity,
        coalesce(released.acknowledged_quantity, 0) as acknowledged_quantity,
        not coalesce(released.is_released, false) as is_held
    from numbered
    left join released
        on numbered.finding = released.finding
)

select * from placed
