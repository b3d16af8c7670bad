-- SPEC R2, R6: usage stands on dates that the site's clocks have shown. Frozen periods are as their seal has them.
select usage.*
from {{ ref('fct_daily_usage') }} as usage
anti join {{ ref('dim_site_days') }} as days
    on usage.site_id = days.site_id
    and usage.activity_date = days.site_date
where {{ period_of('usage.activity_date') }} not in (
        select period from {{ ref('int_sealed_terms') }}
        where is_frozen
    )
