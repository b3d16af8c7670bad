with invocations as (
    select * from {{ ref('stg_functions__invocations') }}
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

accepted as (
    select * from judged
    where rejected_reason is null
),

-- Few keys arrive more than once: only their copies are put in order.
repeated as (
    select
        site_id,
        invocation_id
    from accepted
    group by site_id, invocation_id
    having count(*) > 1
),

ranked as (
    select
        judged.*,
        cast(null as bigint) as place,
        cast(null as date) as first_arrived_in
    from judged
    where judged.rejected_reason is not null
    union all
    select
        accepted.*,
        cast(1 as bigint) as place,
        accepted.arrived_in as first_arrived_in
    from accepted
    anti join repeated
        on accepted.site_id = repeated.site_id
        and accepted.invocation_id = repeated.invocation_id
    union all
    select
        accepted.*,
        cast(row_number() over (
            partition by accepted.site_id, accepted.invocation_id
            order by accepted.file desc, accepted.record_index desc
        ) as bigint) as place,
        min(accepted.arrived_in) over (
            partition by accepted.site_id, accepted.invocation_id
        ) as first_arrived_in
    from accepted
    semi join repeated
        on accepted.site_id = repeated.site_id
        and accepted.invocation_id = repeated.invocation_id
)

select * from ranked
