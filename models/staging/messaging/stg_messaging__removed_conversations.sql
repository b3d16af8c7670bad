with source as (
    select * from {{ source('raw', 'removed_conversations') }}
),

renamed as (
    select
        content_id,
        site_id,
        conversation_id
    from source
)

select * from renamed
