{# Conflicts of what is billed, and of support cases, which hold no invoice. #}
with conflicts as (
    select * from {{ ref('int_conflicts') }}
),

case_events as (
    select * from {{ ref('int_case_event_conflicts') }}
)

select
    feed,
    record_kind,
    conflict_key as key,
    site_id,
    activity_date,
    copies,
    winner_file
from conflicts
union all
select
    'support_cases',
    'case_event',
    conflict_key,
    site_id,
    null,
    copies,
    winner_file
from case_events
