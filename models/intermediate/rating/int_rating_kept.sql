{# The contracts' periods whose rating the last complete build left as this one would make it. #}
with inputs as (
    select * from {{ ref('int_rating_inputs') }}
),

built as (
    {{ as_it_was('int_rating_built', {'contract_id': 'string', 'period': 'date', 'fingerprint': 'string'}) }}
),

kept as (
    select
        inputs.contract_id,
        inputs.period
    from inputs
    inner join built
        on inputs.contract_id = built.contract_id
        and inputs.period = built.period
        and inputs.fingerprint = built.fingerprint
)

select * from kept
