with inputs as (
    select * from {{ ref('int_site_day_inputs') }}
),

built as (
    {{ as_it_was('int_site_days_built', {'site_id': 'string', 'site_date': 'date', 'fingerprint': 'string'}) }}
),

changed as (
    select
        coalesce(inputs.site_id, built.site_id) as site_id,
        coalesce(inputs.site_date, built.site_date) as activity_date
    from inputs
    full outer join built
        on inputs.site_id = built.site_id
        and inputs.site_date = built.site_date
    where inputs.fingerprint is distinct from built.fingerprint
)

select * from changed
