{# What the tiers of a part of a charge cost, as an exact sum: cumulative end minus cumulative start (SPEC P3, P6). #}
with tier_edges as (
    select * from {{ ref('int_tier_edges') }}
    where scenario = 'actual'
),

signed as (
    select
        *,
        case edge when 'to' then 1 else -1 end as sign_of_edge
    from tier_edges
),

tiers as (
    select
        contract_id,
        period,
        charge_id,
        part_number,
        tier_from,
        unit_price,
        sum(sign_of_edge * tier_quantity) as quantity,
        sum(sign_of_edge * flat_price) as flat_price
    from signed
    group by all
),

sums as (
    select
        contract_id,
        period,
        charge_id,
        part_number,
        string_agg(
            {{ plain_number('quantity') }} || ' * ' || {{ plain_number('unit_price') }}
            || case when flat_price <> 0 then ' + ' || {{ plain_number('flat_price') }} else '' end,
            ' + ' order by tier_from, unit_price
        ) as arithmetic
    from tiers
    where quantity <> 0 or flat_price <> 0
    group by contract_id, period, charge_id, part_number
)

select * from sums
