{# What reference rows say today of a site that a seal does not say, or the other way round. #}
with settled as (
    select distinct settled_in as seal_period
    from {{ ref('int_settled_contracts') }}
),

sites as (
    select
        settled.seal_period,
        sites.site_id,
        sites.account_id,
        sites.time_zone,
        sites.listening_enabled,
        sites.effective_at
    from settled
    cross join {{ ref('stg_reference__sites') }} as sites
),

sealed_sites as (
    select
        sealed.seal_period,
        sealed.site_id,
        sealed.account_id,
        sealed.time_zone,
        sealed.listening_enabled,
        sealed.effective_at
    from {{ ref('stg_sealed__sites') }} as sealed
    inner join settled
        on sealed.seal_period = settled.seal_period
),

added as (
    select * from sites
    except
    select * from sealed_sites
),

removed as (
    select * from sealed_sites
    except
    select * from sites
),

differing as (
    select * from added
    union all
    select * from removed
),

changed as (
    select
        seal_period,
        site_id,
        min(effective_at) as changed_from
    from differing
    group by seal_period, site_id
)

select * from changed
