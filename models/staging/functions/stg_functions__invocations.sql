with source as (
    select * from {{ source('raw', 'function_invocations') }}
),

renamed as (
    select
        content_id,
        record_index,
        site_id,
        function_id,
        invocation_id,
        invoked_at,
        trigger,
        state,
        invocation_count,
        is_count_stated
    from source
)

select * from renamed
