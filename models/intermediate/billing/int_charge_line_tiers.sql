{# The tiers that a line entered: cumulative end minus cumulative start (SPEC P3, P6), unrounded. #}
with tier_edges as (
    select * from {{ ref('int_tier_edges') }}
    where scenario = 'actual'
),

lines as (
    select * from {{ ref('int_charge_lines') }}
),

signed as (
    select
        *,
        case edge when 'to' then 1 else -1 end as sign_of_edge
    from tier_edges
),

differences as (
    select
        contract_id,
        period,
        charge_id,
        part_number,
        tier_from,
        tier_to,
        unit_price,
        flat_price,
        cast(sum(sign_of_edge * tier_quantity) as decimal(18, 6)) as quantity,
        {{ unscaled('cast(sum(sign_of_edge * cost_whole) as hugeint)', 15) }} as amount
    from signed
    group by all
),

tiers as (
    select
        lines.invoice_line_id,
        cast(differences.tier_from as decimal(18, 6)) as tier_from,
        cast(differences.tier_to as decimal(18, 6)) as tier_to,
        differences.quantity,
        differences.unit_price,
        cast(differences.flat_price as decimal(24, 9)) as flat_price,
        differences.amount
    from differences
    inner join lines
        on differences.contract_id = lines.contract_id
        and differences.period = lines.period
        and differences.charge_id = lines.charge_id
        and differences.part_number = lines.part_number
)

select * from tiers
