{{ config(post_hook="{{ forget_what_was_built('int_rating_built') }}") }}

{# The contracts' periods that are rated anew, and those whose rating goes: where a build died, whatever it left. #}
with inputs as (
    select * from {{ ref('int_rating_inputs') }}
),

kept as (
    select * from {{ ref('int_rating_kept') }}
),

edges as (
    {{ as_it_was('int_part_edges', {'contract_id': 'string', 'period': 'date'}) }}
),

tier_edges as (
    {{ as_it_was('int_tier_edges', {'contract_id': 'string', 'period': 'date'}) }}
),

rated as (
    {{ as_it_was('int_rated_usage', {'contract_id': 'string', 'period': 'date'}) }}
),

known as (
    select * from edges
    union
    select * from tier_edges
    union
    select * from rated
    union
    select
        contract_id,
        period
    from inputs
),

changed as (
    select known.*
    from known
    anti join kept
        on known.contract_id = kept.contract_id
        and known.period = kept.period
)

select * from changed
