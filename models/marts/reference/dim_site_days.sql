with days as (
    select * from {{ ref('int_site_day_contracts') }}
)

select
    site_id,
    site_date,
    first_instant_at,
    last_instant_at,
    pieces,
    {{ unscaled(rounded_quotient("cast(seconds as hugeint) * 1000000", "60"), 6, 18) }} as minutes,
    account_id,
    contract_id
from days
