{{ config(materialized='view') }}

with channels as (
    select * from {{ ref('int_relationship_day_channels') }}
)

-- A source that no row maps has no channel: it stands in fct_unrated_usage (SPEC R7, R13).
select
    site_id,
    relationship_id,
    activity_date,
    channel,
    is_listed,
    credits,
    nullif(first_arrived_in, date '9999-12-01') as first_sealed_in
from channels
where channel is not null
