-- SPEC R7, R8: a channel credit or a listened conversation is one of a DAR; an unmapped source too.
with usage as (
    select site_id, relationship_id, activity_date from {{ ref('int_relationship_day_channels') }}
    union
    select site_id, relationship_id, activity_date from {{ ref('fct_listening_credits') }}
),

dars as (
    select site_id, relationship_id, activity_date from {{ ref('fct_daily_active_relationships') }}
)

select 'usage without a DAR' as finding, usage.*
from usage
anti join dars
    using (site_id, relationship_id, activity_date)
union all
select 'a DAR without a source' as finding, dars.*
from dars
anti join {{ ref('int_relationship_day_channels') }}
    using (site_id, relationship_id, activity_date)
