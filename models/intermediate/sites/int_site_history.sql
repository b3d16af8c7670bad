with sites as (
    select * from {{ ref('stg_reference__sites') }}
),

-- Instants before a site's first row use that row (SPEC R2).
history as (
    select
        site_id,
        account_id,
        time_zone,
        listening_enabled,
        effective_at,
        case when lag(effective_at) over of_site is null then {{ first_instant() }} else effective_at end as valid_from,
        coalesce(lead(effective_at) over of_site, {{ last_instant() }}) as valid_to
    from sites
    window of_site as (partition by site_id order by effective_at)
)

select * from history
where valid_from < valid_to
