{{ config(tags=['changed']) }}
-- SPEC R7, R8: a channel credit or a listened conversation is one of a DAR; an unmapped source too. Of the dates that this
-- build made anew.
with channels as (
    select site_id, relationship_id, activity_date
    from {{ ref('int_relationship_day_channels') }}
    semi join {{ ref('int_changed_days') }}
        using (site_id, activity_date)
),

listened as (
    select site_id, relationship_id, activity_date
    from {{ ref('fct_listening_credits') }}
    semi join {{ ref('int_changed_days') }}
        using (site_id, activity_date)
),

dars as (
    select site_id, relationship_id, activity_date
    from {{ ref('fct_daily_active_relationships') }}
    semi join {{ ref('int_changed_days') }}
        using (site_id, activity_date)
)

select 'a channel without a DAR' as finding, channels.*
from channels
anti join dars
    using (site_id, relationship_id, activity_date)
union all
select 'a listened conversation without a DAR' as finding, listened.*
from listened
anti join dars
    using (site_id, relationship_id, activity_date)
union all
select 'a DAR without a source' as finding, dars.*
from dars
anti join channels
    using (site_id, relationship_id, activity_date)
