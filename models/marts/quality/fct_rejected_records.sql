with rejected as (
    select * from {{ ref('int_rejected_records') }}
)

select
    feed,
    file,
    line,
    item,
    record_kind,
    reason,
    detail,
    record_hash
from rejected
