with history as (
    select * from {{ ref('int_site_history') }}
)

select
    site_id,
    account_id,
    time_zone,
    listening_enabled,
    effective_at as effective_from,
    case when valid_to < {{ last_instant() }} then valid_to end as effective_to
from history
