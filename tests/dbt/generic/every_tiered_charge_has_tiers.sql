{# Fails with every date on which a graduated or volume charge is in force without a tier row (SPEC P3: nothing would
   price its usage), and with tiers of a charge that takes none. #}
{% test every_tiered_charge_has_tiers(model, tiers) %}
with charges as (
    select
        charge_id,
        charge_model in ('graduated', 'volume') as takes_tiers,
        effective_from,
        effective_to
    from {{ model }}
),

tiers as (
    select
        charge_id,
        effective_from,
        effective_to
    from {{ tiers }}
),

-- Coverage can only break where a charge row begins or where a tier row ends.
dates as (
    select charge_id, effective_from as starts_on from charges
    union
    select charge_id, effective_to from tiers
    where effective_to is not null
),

uncovered as (
    select
        'no tier in force' as finding,
        charges.charge_id,
        dates.starts_on
    from dates
    inner join charges
        on dates.charge_id = charges.charge_id
        and charges.takes_tiers
        and {{ in_force('dates.starts_on', 'charges.effective_from', 'charges.effective_to') }}
    where not exists (
            select 1
            from tiers
            where tiers.charge_id = charges.charge_id
                and {{ in_force('dates.starts_on', 'tiers.effective_from', 'tiers.effective_to') }}
        )
),

idle as (
    select distinct
        'tiers of a charge without tiers' as finding,
        tiers.charge_id,
        tiers.effective_from
    from tiers
    where tiers.charge_id not in (select charge_id from charges where takes_tiers)
)

select * from uncovered
union all
select * from idle
{% endtest %}
