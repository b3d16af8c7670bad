with source as (
    select * from {{ source('raw', 'agent_participants') }}
),

renamed as (
    select
        content_id,
        conversation_copy_id,
        agent_id,
        user_type,
        listed_at
    from source
)

select * from renamed
