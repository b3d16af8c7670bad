{# Fails with every tier, on each date on which the tiers of its charge change, that leaves a gap or an overlap: tiers
   start at 0, each begins where the one before ended, and the last is open (SPEC P3). #}
{% test tiers_are_contiguous(model, charge_id, tier_from, tier_to, effective_from, effective_to) %}
with tiers as (
    select
        {{ charge_id }} as charge_id,
        {{ tier_from }} as tier_from,
        {{ tier_to }} as tier_to,
        {{ effective_from }} as effective_from,
        {{ effective_to }} as effective_to
    from {{ model }}
),

dates as (
    select charge_id, effective_from as changes_on from tiers
    union
    select charge_id, effective_to from tiers
    where effective_to is not null
),

-- On the date after the last tier's end the charge has no tiers at all: that is no gap between tiers.
in_force as (
    select
        dates.changes_on,
        tiers.*,
        lag(tiers.tier_to) over of_date as tier_before_to,
        lag(tiers.tier_from) over of_date is null as is_first,
        lead(tiers.tier_from) over of_date is null as is_last
    from dates
    inner join tiers
        on dates.charge_id = tiers.charge_id
        and {{ in_force('dates.changes_on', 'tiers.effective_from', 'tiers.effective_to') }}
    window of_date as (partition by dates.charge_id, dates.changes_on order by tiers.tier_from)
)

select *
from in_force
where (is_first and tier_from <> 0)
    or (not is_first and tier_before_to is distinct from tier_from)
    or (is_last and tier_to is not null)
    or tier_to <= tier_from
{% endtest %}
