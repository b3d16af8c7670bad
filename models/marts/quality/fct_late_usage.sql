with late as (
    select * from {{ ref('int_late_usage') }}
)

select
    file,
    site_id,
    usage_period,
    meter,
    quantity
from late
