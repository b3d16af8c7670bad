with channels as (
    select * from {{ ref('channels') }}
)

select
    source,
    channel,
    is_early_release
from channels
