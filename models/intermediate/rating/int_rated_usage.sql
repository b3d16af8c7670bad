{{ config(
    materialized='incremental',
    unique_key=['contract_id', 'period'],
    meta={'changes': 'int_rating_changed'}
) }}

-- depends_on: {{ ref('int_rating_changed') }}
{# SPEC P3, P6, P7: parts rated exactly as whole numbers over one common divisor, rounded last. #}
with kept as (
    select * from {{ ref('int_rating_kept') }}
),

edges as (
    select edges.*
    from {{ ref('int_part_edges') }} as edges
    anti join kept
        on edges.contract_id = kept.contract_id
        and edges.period = kept.period
),

tier_edges as (
    select tier_edges.*
    from {{ ref('int_tier_edges') }} as tier_edges
    anti join kept
        on tier_edges.contract_id = kept.contract_id
        and tier_edges.period = kept.period
),

tier_costs as (
    select
        scenario,
        contract_id,
        period,
        charge_id,
        part_number,
        edge,
        cast(sum(cost_whole) as hugeint) as cost_whole
    from tier_edges
    group by all
),

-- cost = cost_whole / block_whole * 10^-9 of the currency.
costed as (
    select
        edges.*,
        case
            when edges.is_suspended then cast(0 as hugeint)
            when edges.has_tiers then coalesce(tier_costs.cost_whole, 0)
            when edges.charge_model = 'flat' then {{ scaled('edges.stub_flat_price', 9) }} * 1000000
            else edges.priced_whole * {{ scaled('edges.price_per_block', 9) }}
        end as cost_whole
    from edges
    left join tier_costs
        on edges.scenario = tier_costs.scenario
        and edges.contract_id = tier_costs.contract_id
        and edges.period = tier_costs.period
        and edges.charge_id = tier_costs.charge_id
        and edges.part_number = tier_costs.part_number
        and edges.edge = tier_costs.edge
),

signed as (
    select
        *,
        case edge when 'to' then 1 else -1 end as sign_of_edge
    from costed
),

parts as (
    select
        scenario,
        contract_id,
        account_id,
        period,
        terms_id,
        currency_code,
        minor_units,
        charge_id,
        meter,
        charge_model,
        block_size,
        rounding,
        credits_per_block,
        price_per_block,
        price_basis,
        description,
        minimum_amount,
        maximum_amount,
        stub_days,
        stub_of_days,
        is_suspended,
        has_tiers,
        part_number,
        part_from,
        part_to,
        is_last_part,
        quantity,
        block_whole,
        any_value(stub_included_quantity) as included_quantity,
        cast(sum(sign_of_edge * cumulative_billable_quantity) as decimal(18, 6)) as billable_quantity,
        cast(sum(sign_of_edge * priced_whole) as hugeint) as priced_whole,
        cast(sum(sign_of_edge * cost_whole) as hugeint) as cost_whole
    from signed
    group by all
),

-- Parts may have blocks of different sizes: their costs are added over the least common multiple.
commoned as (
    select
        *,
        list_reduce(
            list(block_whole) over of_charge,
            (one, other) -> lcm(one, other)
        ) as divisor
    from parts
    window of_charge as (partition by scenario, contract_id, period, charge_id)
),

running as (
    select
        *,
        cast(sum(cost_whole * (divisor // block_whole)) over (
            partition by scenario, contract_id, period, charge_id
            order by part_number
            rows between unbounded preceding and current row
        ) as hugeint) as running_whole
    from commoned
),

bounded as (
    select
        *,
        case when is_last_part and not is_suspended then {{ scaled(for_stub('minimum_amount', 'stub_days', 'stub_of_days'), 9) }} * divisor end as least_whole,
        case when is_last_part and not is_suspended then {{ scaled(for_stub('maximum_amount', 'stub_days', 'stub_of_days'), 9) }} * divisor end as most_whole
    from running
),

rounded as (
    select
        *,
        least(
            greatest(running_whole, coalesce(least_whole, running_whole)),
            coalesce(most_whole, greatest(running_whole, coalesce(least_whole, running_whole)))
        ) as charged_whole
    from bounded
),

minor as (
    select
        *,
        {{ rounded_quotient('charged_whole * ' ~ power_of_ten('minor_units'), 'divisor * 1000000000') }} as running_minor,
        -- Where the next part starts from: its own running sum, before minimum and maximum.
        {{ rounded_quotient('running_whole * ' ~ power_of_ten('minor_units'), 'divisor * 1000000000') }} as next_minor
    from rounded
),

charged as (
    select
        *,
        running_minor - coalesce(lag(next_minor) over (
            partition by scenario, contract_id, period, charge_id
            order by part_number
        ), 0) as charged_minor
    from minor
),

rated as (
    select
        scenario,
        contract_id,
        account_id,
        period,
        terms_id,
        currency_code,
        minor_units,
        charge_id,
        meter,
        charge_model,
        part_number,
        part_from,
        part_to,
        description,
        quantity,
        cast(included_quantity as decimal(18, 6)) as included_quantity,
        billable_quantity,
        case when charge_model in ('standard', 'package') then block_size end as block_size,
        rounding,
        case
            when charge_model not in ('standard', 'package') then null
            when is_suspended then 0
            else {{ unscaled(rounded_quotient('priced_whole * 1000000', 'block_whole'), 6, 18) }}
        end as blocks,
        case
            when charge_model not in ('standard', 'package') then null
            when is_suspended then 0
            when credits_per_block is null then null
            else {{ unscaled(rounded_quotient('priced_whole * ' ~ scaled('credits_per_block', 6), 'block_whole'), 6, 18) }}
        end as credits,
        case when charge_model in ('standard', 'package', 'flat') then price_per_block end as unit_price,
        price_basis,
        {{ unscaled(rounded_quotient('cost_whole', 'block_whole'), 9) }} as cost,
        {{ unscaled('charged_minor * ' ~ power_of_ten('4 - minor_units'), 4, 18) }} as amount
    from charged
)

select * from rated
