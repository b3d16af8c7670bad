with source as (
    select * from {{ source('raw', 'consumer_participants') }}
),

renamed as (
    select
        content_id,
        conversation_copy_id,
        participant_id,
        listed_at
    from source
)

select * from renamed
