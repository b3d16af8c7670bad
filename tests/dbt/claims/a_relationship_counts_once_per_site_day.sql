-- SPEC R3: the metered DARs of a site and date are the distinct relationships with a counted message on it.
with counted as (
    select
        site_id,
        activity_date,
        count(distinct relationship_id) as relationships
    from {{ ref('int_conversation_outcomes') }}
    where outcome = 'counted'
    group by all
),

metered as (
    select
        site_id,
        activity_date,
        count(*) as dars
    from {{ ref('fct_daily_active_relationships') }}
    group by all
)

select *
from counted
full outer join metered
    using (site_id, activity_date)
where counted.relationships is distinct from metered.dars
