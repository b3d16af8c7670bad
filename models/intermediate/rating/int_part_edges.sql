{{ config(
    materialized='incremental',
    unique_key=['contract_id', 'period'],
    meta={'changes': 'int_rating_changed'}
) }}

-- depends_on: {{ ref('int_rating_changed') }}
{# A part costs g(its cumulative end) - g(its cumulative start), both under its own terms (SPEC P6). #}
with kept as (
    select * from {{ ref('int_rating_kept') }}
),

parts as (
    select parts.*
    from {{ ref('int_part_usage') }} as parts
    anti join kept
        on parts.contract_id = kept.contract_id
        and parts.period = kept.period
),

edges as (
    select
        parts.*,
        'to' as edge,
        quantity_to as cumulative_quantity
    from parts
    union all
    select
        parts.*,
        'from' as edge,
        quantity_from as cumulative_quantity
    from parts
    where not is_first_part
),

adjusted as (
    select
        *,
        {{ for_stub('coalesce(included_quantity, 0)', 'stub_days', 'stub_of_days') }} as stub_included_quantity,
        {{ for_stub('price_per_block', 'stub_days', 'stub_of_days') }} as stub_flat_price,
        charge_model in ('graduated', 'volume') as has_tiers
    from edges
),

billable as (
    select
        *,
        case
            when charge_model = 'flat' then cast(1 as decimal(18, 6))
            else cast(greatest(cumulative_quantity - stub_included_quantity, 0) as decimal(18, 6))
        end as cumulative_billable_quantity
    from adjusted
),

-- Quantities as whole 10^-6, prices as whole 10^-9, so that everything below is exact.
whole as (
    select
        *,
        {{ scaled('cumulative_billable_quantity', 6) }} as billable_whole,
        case
            when charge_model in ('standard', 'package') then {{ scaled('coalesce(block_size, 1)', 6) }}
            else cast(1000000 as hugeint)
        end as block_whole
    from billable
),

rounded as (
    select
        *,
        case
            when charge_model = 'package' and rounding = 'up'
                then (billable_whole + block_whole - 1) // block_whole * block_whole
            when charge_model = 'package' and rounding = 'down'
                then billable_whole // block_whole * block_whole
            else billable_whole
        end as priced_whole
    from whole
)

select * from rounded
