with source as (
    select * from {{ source('raw', 'support_case_events') }}
),

renamed as (
    select
        content_id,
        record_index,
        site_id,
        case_id,
        opened_by,
        severity,
        channel,
        event,
        occurred_at,
        scope,
        incident_id
    from source
)

select * from renamed
