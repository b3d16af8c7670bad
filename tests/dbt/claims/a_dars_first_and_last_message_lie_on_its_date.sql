-- SPEC R2: the instants of a DAR lie between the first and the last instant that carry its date.
select dars.*
from {{ ref('fct_daily_active_relationships') }} as dars
inner join {{ ref('dim_site_days') }} as days
    on dars.site_id = days.site_id
    and dars.activity_date = days.site_date
where dars.first_message_at < days.first_instant_at
    or dars.last_message_at >= days.last_instant_at
    or dars.first_message_at > dars.last_message_at
