with source as (
    select * from {{ source('raw', 'pages') }}
),

renamed as (
    select
        content_id,
        search_key,
        search_count,
        page_records,
        site_id,
        is_partial_result
    from source
)

select * from renamed
