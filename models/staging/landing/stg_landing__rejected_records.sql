with source as (
    select * from {{ source('raw', 'rejected_records') }}
),

renamed as (
    select
        content_id,
        record_index,
        item_index,
        record_kind,
        reason,
        detail,
        record_hash
    from source
)

select * from renamed
