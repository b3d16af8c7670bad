with source as (
    select * from {{ source('raw', 'conversations') }}
),

renamed as (
    select
        content_id,
        conversation_copy_id,
        record_index,
        site_id,
        conversation_id,
        source,
        status,
        started_at,
        ended_at,
        is_partial,
        has_repeated_message_ids
    from source
)

select * from renamed
