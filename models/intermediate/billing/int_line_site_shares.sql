{# SPEC P1: the parts of a line by weight with largest remainder, ties by site id; a negative amount by its
   absolute value; no weight at all: equally. #}
with weights as (
    select
        invoice_line_id, site_id, minor_units, quantity_whole, amount_minor, weight
    from {{ ref('int_charge_line_weights') }}
    union all by name
    select
        invoice_line_id, site_id, minor_units, quantity_whole, amount_minor, weight
    from {{ ref('int_credit_line_weights') }}
),

evened as (
    select
        * replace (
            case when sum(weight) over (partition by invoice_line_id) = 0 then cast(1 as hugeint) else weight end as weight
        )
    from weights
),

totalled as (
    select
        *,
        cast(sum(weight) over (partition by invoice_line_id) as hugeint) as total_weight
    from evened
),

floored as (
    select
        *,
        abs(amount_minor) * weight // total_weight as amount_floor,
        abs(amount_minor) * weight % total_weight as amount_remainder,
        quantity_whole * weight // total_weight as quantity_floor,
        quantity_whole * weight % total_weight as quantity_remainder
    from totalled
),

ranked as (
    select
        *,
        abs(amount_minor) - cast(sum(amount_floor) over of_line as hugeint) as amount_left,
        quantity_whole - cast(sum(quantity_floor) over of_line as hugeint) as quantity_left,
        row_number() over (partition by invoice_line_id order by amount_remainder desc, site_id) as amount_place,
        row_number() over (partition by invoice_line_id order by quantity_remainder desc, site_id) as quantity_place
    from floored
    window of_line as (partition by invoice_line_id)
),

shared as (
    select
        invoice_line_id,
        site_id,
        minor_units,
        quantity_floor + case when quantity_place <= quantity_left then 1 else 0 end as quantity_whole,
        cast(sign(amount_minor) as hugeint)
        * (amount_floor + case when amount_place <= amount_left then 1 else 0 end) as amount_minor
    from ranked
),

shares as (
    select
        invoice_line_id,
        site_id,
        {{ unscaled('quantity_whole', 6, 18) }} as quantity,
        {{ unscaled('amount_minor * ' ~ power_of_ten('4 - minor_units'), 4, 18) }} as amount
    from shared
)

select * from shares
where coalesce(quantity, 0) <> 0 or amount <> 0
