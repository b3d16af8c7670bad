with cases as (
    select * from {{ ref('int_support_cases') }}
)

select
    site_id,
    case_id,
    account_id,
    opened_at,
    opened_by,
    channel,
    severity,
    scope,
    is_covered,
    status,
    first_response_at,
    resolved_at,
    reopened_at,
    reopenings,
    rca_delivered_at,
    paused_minutes,
    is_contact_method_valid,
    incident_id,
    events
from cases
