{# SPEC R10: what counts under a warning. For the gate, which does not read records. #}
with invocations as (
    select * from {{ ref('int_invocation_copies') }}
    where place = 1
        and not is_known_trigger
),

triggers as (
    select
        site_id,
        trigger,
        count(*) as records
    from invocations
    group by site_id, trigger
)

select * from triggers
