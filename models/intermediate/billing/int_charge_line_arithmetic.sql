{# How a part of a charge comes to its amount: the exact sums as text that SQL, a spreadsheet or a person can
   work out again (SPEC P3, P6), beside the numbers in them. Rounded once, at the end of the running sum. #}
with edges as (
    select * from {{ ref('int_part_edges') }}
    where scenario = 'actual'
),

tier_sums as (
    select * from {{ ref('int_tier_arithmetic') }}
),

lines as (
    select * from {{ ref('int_charge_lines') }}
),

parts as (
    select
        contract_id,
        period,
        charge_id,
        part_number,
        any_value(terms_id) as terms_id,
        any_value(included_quantity) as stated_included_quantity,
        any_value(stub_days) as stub_days,
        any_value(stub_of_days) as stub_of_days,
        any_value(credits_per_block) as credits_per_block,
        any_value(case when charge_model = 'flat' then stub_flat_price else price_per_block end) as unit_price,
        any_value(case when is_last_part and not is_suspended then {{ for_stub('minimum_amount', 'stub_days', 'stub_of_days') }} end) as minimum_amount,
        any_value(case when is_last_part and not is_suspended then {{ for_stub('maximum_amount', 'stub_days', 'stub_of_days') }} end) as maximum_amount,
        any_value(is_suspended) as is_suspended,
        any_value(quantity_from) as quantity_before,
        coalesce(any_value(cumulative_billable_quantity) filter (where edge = 'from'), 0) as billable_before,
        any_value(block_whole) as block_whole,
        sum(case edge when 'to' then 1 else -1 end * priced_whole) as priced_whole
    from edges
    group by contract_id, period, charge_id, part_number
),

costed as (
    select
        lines.* exclude (included_quantity, unit_price, terms_id),
        parts.* exclude (contract_id, period, charge_id, part_number),
        lines.included_quantity,
        case
            when parts.is_suspended then '0'
            when lines.charge_model in ('graduated', 'volume') then coalesce(tier_sums.arithmetic, '0')
            when lines.charge_model = 'flat' then case when lines.part_number = 1 then {{ plain_number('parts.unit_price') }} else '0' end
            when lines.charge_model = 'package' and lines.rounding in ('up', 'down')
                then cast(cast(parts.priced_whole as hugeint) // parts.block_whole as varchar) || ' * ' || {{ plain_number('parts.unit_price') }}
            else {{ plain_number('lines.billable_quantity') }}
                || case when lines.block_size <> 1 then ' / ' || {{ plain_number('lines.block_size') }} else '' end
                || ' * ' || {{ plain_number('parts.unit_price') }}
        end as cost_arithmetic
    from lines
    inner join parts
        on lines.contract_id = parts.contract_id
        and lines.period = parts.period
        and lines.charge_id = parts.charge_id
        and lines.part_number = parts.part_number
    left join tier_sums
        on lines.contract_id = tier_sums.contract_id
        and lines.period = tier_sums.period
        and lines.charge_id = tier_sums.charge_id
        and lines.part_number = tier_sums.part_number
),

running as (
    select
        *,
        string_agg(cost_arithmetic, ' + ') over (of_charge rows between unbounded preceding and current row) as running_arithmetic,
        string_agg(cost_arithmetic, ' + ') over (of_charge rows between unbounded preceding and 1 preceding) as before_arithmetic
    from costed
    window of_charge as (partition by contract_id, period, charge_id order by part_number)
),

bounded as (
    select
        *,
        case
            when minimum_amount is not null then 'greatest(' || running_arithmetic || ', ' || {{ plain_number('minimum_amount') }} || ')'
            else running_arithmetic
        end as at_least
    from running
),

described as (
    select
        * exclude (at_least, running_arithmetic, before_arithmetic, block_whole, priced_whole),
        'round(' || case when maximum_amount is not null then 'least(' || at_least || ', ' || {{ plain_number('maximum_amount') }} || ')' else at_least end
        || ', ' || cast(minor_units as varchar) || ')'
        || coalesce(' - round(' || before_arithmetic || ', ' || cast(minor_units as varchar) || ')', '') as amount_arithmetic
    from bounded
)

select * from described
