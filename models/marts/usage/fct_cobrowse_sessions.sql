with sessions as (
    select * from {{ ref('int_cobrowse_sessions') }}
)

select
    site_id,
    session_id,
    conversation_id,
    activity_date,
    is_interactive,
    -- One credit for each session that became interactive (SPEC R9).
    cast(cast(is_interactive as integer) as decimal(18, 6)) as credits,
    nullif(first_arrived_in, date '9999-12-01') as first_sealed_in
from sessions
