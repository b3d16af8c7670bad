with conflicts as (
    select * from {{ ref('int_conflicts') }}
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
