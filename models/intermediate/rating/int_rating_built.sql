{# The last model of rating that follows what changed. Empty while a build is between its first change and its last. #}
-- depends_on: {{ ref('int_rating_changed') }}
-- depends_on: {{ ref('int_part_edges') }}
-- depends_on: {{ ref('int_tier_edges') }}
-- depends_on: {{ ref('int_rated_usage') }}
with inputs as (
    select * from {{ ref('int_rating_inputs') }}
)

select * from inputs
