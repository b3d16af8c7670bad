with history as (
    select * from {{ ref('int_site_history') }}
),

zone_offsets as (
    select * from {{ ref('stg_zones__offsets') }}
),

offsets as (
    select
        history.site_id,
        greatest(history.valid_from, zone_offsets.valid_from) as valid_from,
        least(history.valid_to, zone_offsets.valid_to) as valid_to,
        zone_offsets.utc_offset_seconds,
        history.listening_enabled,
        history.account_id
    from history
    inner join zone_offsets
        on history.time_zone = zone_offsets.time_zone
        and history.valid_from < zone_offsets.valid_to
        and zone_offsets.valid_from < history.valid_to
)

select * from offsets
