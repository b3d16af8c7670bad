with promises as (
    select * from {{ ref('int_support_promises') }}
)

select
    site_id,
    case_id,
    kind,
    promise_sequence as sequence,
    severity,
    clock_started_at,
    due_at,
    promised_minutes,
    paused_minutes,
    kept_at,
    outcome
from promises
