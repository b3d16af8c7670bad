{{ config(
    materialized=kept(), unique_key=['site_id', 'invocation_id'], meta={'changes': 'int_changed_invocations'}
) }}

with changed as (
    select * from {{ ref('int_changed_invocations') }}
),

invocations as (
    select invocations.*
    from {{ ref('stg_functions__invocations') }} as invocations
    semi join changed
        on invocations.site_id = changed.site_id
        and invocations.invocation_id = changed.invocation_id
),

files as (
    select * from {{ ref('int_files') }}
),

offsets as (
    select * from {{ ref('int_site_offset_buckets') }}
),

rules as (
    select * from {{ ref('int_trigger_rules') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

known_sites as (
    select * from {{ ref('int_known_sites') }}
),

checked as (
    select
        invocations.*,
        files.file,
        files.arrived_in,
        case
            when known_sites.site_id is null then 'unknown_site'
            when invocations.invoked_at is null then 'no_instant'
            when not {{ is_plausible('invocations.invoked_at', 'run.as_of') }} then 'implausible_instant'
            -- More than a hundred billion invocations in one record are a mistake, and would not fit what is summed here.
            when invocations.is_count_stated
                and (coalesce(invocations.invocation_count, 0) < 1 or invocations.invocation_count > 100000000000)
                then 'invalid_count'
        end as rejected_reason
    from invocations
    inner join files
        on invocations.content_id = files.content_id
    left join known_sites
        on invocations.site_id = known_sites.site_id
    cross join run
),

dated as (
    select
        checked.*,
        case
            when checked.rejected_reason is null then {{ site_date('checked.invoked_at', 'offsets.utc_offset_seconds') }}
        end as activity_date
    from checked
    left join offsets
        on checked.site_id = offsets.site_id
        and {{ instant_bucket('checked.invoked_at') }} = offsets.instant_bucket
        and checked.invoked_at >= offsets.valid_from
        and checked.invoked_at < offsets.valid_to
),

-- An unknown trigger counts (SPEC R10).
judged as (
    select
        dated.*,
        rules.trigger is not null as is_known_trigger,
        coalesce(rules.counts, true) as counts
    from dated
    left join rules
        on dated.trigger = rules.trigger
        and {{ period_of('dated.activity_date') }} = rules.period
),

ranked as (
    select
        *,
        case when rejected_reason is null then row_number() over (
                    partition by site_id, invocation_id, rejected_reason is null
                    order by file desc, record_index desc
                )
        end as place,
        case when rejected_reason is null then min(arrived_in) over (
                    partition by site_id, invocation_id, rejected_reason is null
                )
        end as first_arrived_in
    from judged
)

select * from ranked
