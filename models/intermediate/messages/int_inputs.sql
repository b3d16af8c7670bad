{# What the incremental models rest on, each with a fingerprint of what they take from it: contents (with the path
   that they are named by, the seal they arrived in, and the clock where a record is in its future), a site's clock,
   and a period's rules of activity. #}
with files as (
    select * from {{ ref('int_files') }}
    where feed = 'messaging_interactions'
),

offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

rules as (
    select * from {{ ref('int_activity_rules') }}
),

audiences as (
    select * from {{ ref('int_message_audiences') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

contents as (
    select
        'content' as kind,
        cast(files.content_id as varchar) as input_key,
        cast(null as varchar) as site_id,
        concat_ws(
            ' ',
            files.sha256,
            cast(files.arrived_in as varchar),
            case when not {{ is_plausible('files.last_instant_at', 'run.as_of') }} then cast(epoch_us(run.as_of) as varchar) end,
            files.file
        ) as fingerprint
    from files
    cross join run
),

sites as (
    select
        'site' as kind,
        site_id as input_key,
        site_id,
        string_agg(
            concat_ws(' ', epoch_us(valid_from), epoch_us(valid_to), utc_offset_seconds, listening_enabled), ','
            order by valid_from
        ) as fingerprint
    from offsets
    group by site_id
),

rule_rows as (
    select period, 'sender ' || sender_kind || ' ' || cast(counts as varchar) as rule_row
    from rules
    union all
    select period, 'audience ' || audience || ' ' || cast(reaches_consumer as varchar) as rule_row
    from audiences
),

periods as (
    select
        'period' as kind,
        cast(period as varchar) as input_key,
        cast(null as varchar) as site_id,
        string_agg(rule_row, ',' order by rule_row) as fingerprint
    from rule_rows
    group by period
),

inputs as (
    select * from contents
    union all
    select * from sites
    union all
    select * from periods
)

select * from inputs
