with source as (
    select * from {{ source('raw', 'cobrowse_sessions') }}
),

renamed as (
    select
        content_id,
        conversation_copy_id,
        record_index,
        session_index,
        site_id,
        conversation_id,
        session_id,
        started_at,
        interactive_at,
        is_interactive
    from source
)

select * from renamed
