with gaps as (
    select * from {{ ref('int_incomplete_inputs') }}
)

select
    kind,
    site_id,
    detail
from gaps
