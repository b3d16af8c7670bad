with days as (
    select * from {{ ref('int_function_days') }}
)

select
    site_id,
    function_id,
    activity_date,
    invocations,
    uncounted_invocations
from days
