with winners as (
    select * from {{ ref('int_cobrowse_copies') }}
    where place = 1
),

offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

sessions as (
    select
        winners.site_id,
        winners.session_id,
        winners.conversation_id,
        {{ site_date('winners.occurred_at', 'offsets.utc_offset_seconds') }} as activity_date,
        winners.occurred_at,
        winners.is_interactive,
        winners.file as evidence_file,
        winners.first_arrived_in
    from winners
    inner join offsets
        on winners.site_id = offsets.site_id
        and winners.occurred_at >= offsets.valid_from
        and winners.occurred_at < offsets.valid_to
)

select * from sessions
