with source as (
    select * from {{ source('raw', 'messages') }}
),

renamed as (
    select
        content_id,
        conversation_copy_id,
        message_index,
        site_id,
        message_id,
        participant_id,
        sent_at,
        sender_side,
        audience,
        message_source
    from source
)

select * from renamed
