with usage as (
    select * from {{ ref('int_metered_usage') }}
)

select
    site_id,
    contract_id,
    meter,
    activity_date,
    cast(sum(quantity) as decimal(18, 6)) as quantity
from usage
group by site_id, contract_id, meter, activity_date
