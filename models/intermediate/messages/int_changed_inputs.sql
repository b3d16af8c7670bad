{{ config(post_hook="{{ forget_what_was_built('int_inputs_built') }}") }}

with inputs as (
    select * from {{ ref('int_inputs') }}
),

built as (
    {{ as_it_was('int_inputs_built', {'kind': 'string', 'input_key': 'string', 'site_id': 'string', 'fingerprint': 'string'}) }}
),

changed as (
    select
        coalesce(inputs.kind, built.kind) as kind,
        coalesce(inputs.input_key, built.input_key) as input_key,
        coalesce(inputs.site_id, built.site_id) as site_id,
        built.kind is null as is_new,
        inputs.kind is null as is_gone
    from inputs
    full outer join built
        on inputs.kind = built.kind
        and inputs.input_key = built.input_key
    where inputs.fingerprint is distinct from built.fingerprint
)

select * from changed
