{{ config(
    materialized='incremental',
    unique_key=['contract_id', 'period'],
    meta={'changes': 'int_rating_changed'}
) }}

-- depends_on: {{ ref('int_rating_changed') }}
with kept as (
    select * from {{ ref('int_rating_kept') }}
),

edges as (
    select edges.*
    from {{ ref('int_part_edges') }} as edges
    anti join kept
        on edges.contract_id = kept.contract_id
        and edges.period = kept.period
    where edges.has_tiers
        and not edges.is_suspended
),

tiers as (
    select * from {{ ref('int_tier_terms') }}
),

in_force as (
    select
        edges.scenario,
        edges.contract_id,
        edges.period,
        edges.charge_id,
        edges.part_number,
        edges.edge,
        edges.charge_model,
        edges.cumulative_billable_quantity,
        tiers.tier_from = min(tiers.tier_from) over of_edge as is_first_tier,
        {{ for_stub('tiers.tier_from', 'edges.stub_days', 'edges.stub_of_days') }} as tier_from,
        {{ for_stub('tiers.tier_to', 'edges.stub_days', 'edges.stub_of_days') }} as tier_to,
        tiers.unit_price,
        {{ for_stub('tiers.flat_price', 'edges.stub_days', 'edges.stub_of_days') }} as flat_price
    from edges
    inner join tiers
        on edges.terms_id = tiers.terms_id
        and edges.charge_id = tiers.charge_id
        and {{ in_force('edges.part_from', 'tiers.effective_from', 'tiers.effective_to') }}
    window of_edge as (partition by edges.scenario, edges.contract_id, edges.period, edges.charge_id, edges.part_number, edges.edge)
),

-- Zero falls in the first tier; a tier's start is excluded and its end included (SPEC P3).
entered as (
    select
        *,
        cast(case
            when charge_model = 'volume' then cumulative_billable_quantity
            else least(cumulative_billable_quantity, coalesce(tier_to, cumulative_billable_quantity)) - tier_from
        end as decimal(18, 6)) as tier_quantity
    from in_force
    where (tier_from < cumulative_billable_quantity or (is_first_tier and cumulative_billable_quantity <= tier_from))
        and (
            charge_model = 'graduated'
            or tier_to is null
            or cumulative_billable_quantity <= tier_to
        )
),

priced as (
    select
        * replace (greatest(tier_quantity, 0) as tier_quantity),
        {{ scaled('greatest(tier_quantity, 0)', 6) }} * {{ scaled('unit_price', 9) }}
        + {{ scaled('flat_price', 9) }} * 1000000 as cost_whole
    from entered
)

select * from priced
