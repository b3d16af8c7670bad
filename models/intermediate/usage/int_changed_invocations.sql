{# Invocations of which a copy came, went or has another name or seal, those of a site whose clock changed, and all of
   them where a period's triggers did; each with the dates that its copies had until now, which it may leave. #}
with changed as (
    select * from {{ ref('int_changed_inputs') }}
),

changed_contents as (
    select cast(input_key as bigint) as content_id
    from changed
    where kind = 'content'
),

changed_sites as (
    select site_id
    from changed
    where kind = 'site'
),

changed_rules as (
    select cast(count(*) as bigint) as periods
    from changed
    where kind = 'trigger_period'
        and not is_new
        and not is_gone
),

before as (
    {{ as_it_was('int_invocation_copies', {
        'content_id': 'bigint', 'site_id': 'string', 'invocation_id': 'string', 'activity_date': 'date'
    }) }}
),

touched as (
    select
        invocations.site_id,
        invocations.invocation_id
    from {{ ref('stg_functions__invocations') }} as invocations
    cross join changed_rules
    left join changed_contents
        on invocations.content_id = changed_contents.content_id
    left join changed_sites
        on invocations.site_id = changed_sites.site_id
    where changed_contents.content_id is not null
        or changed_sites.site_id is not null
        or changed_rules.periods > 0
    union
    select
        before.site_id,
        before.invocation_id
    from before
    inner join changed_contents
        on before.content_id = changed_contents.content_id
),

invocations as (
    select distinct
        touched.site_id,
        touched.invocation_id,
        before.activity_date
    from touched
    left join before
        on touched.site_id = before.site_id
        and touched.invocation_id = before.invocation_id
)

select * from invocations
