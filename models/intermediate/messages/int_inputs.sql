{# What the incremental models rest on, each with a fingerprint of what they take from it: contents (with the path
   that they are named by, the seal they arrived in, and the clock where a record is in its future), a site's clock,
   and a period's rules of activity and of triggers. #}
with files as (
    select * from {{ ref('int_files') }}
    where feed in ('messaging_interactions', 'function_invocations')
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

triggers as (
    select * from {{ ref('int_trigger_rules') }}
),

run as (
    select * from {{ ref('stg_run__settings') }}
),

contents as (
    select
        'content' as kind,
        cast(files.content_id as string) as input_key,
        cast(null as string) as site_id,
        concat_ws(
            ' ',
            files.sha256,
            cast(files.arrived_in as string),
            case when not {{ is_plausible('files.last_instant_at', 'run.as_of') }} then cast({{ micros_of('run.as_of') }} as string) end,
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
        {{ text_in_order(
            "concat_ws(' ', cast(" ~ micros_of('valid_from') ~ " as string), cast(" ~ micros_of('valid_to') ~ " as string),"
            ~ " cast(utc_offset_seconds as string), cast(listening_enabled as string))",
            'valid_from'
        ) }} as fingerprint
    from offsets
    group by site_id
),

rule_rows as (
    select period, 'sender ' || sender_kind || ' ' || cast(counts as string) as rule_row
    from rules
    union all
    select period, 'audience ' || audience || ' ' || cast(reaches_consumer as string) as rule_row
    from audiences
),

periods as (
    select
        'period' as kind,
        cast(period as string) as input_key,
        cast(null as string) as site_id,
        {{ text_in_order('rule_row', 'rule_row') }} as fingerprint
    from rule_rows
    group by period
),

trigger_periods as (
    select
        'trigger_period' as kind,
        cast(period as string) as input_key,
        cast(null as string) as site_id,
        {{ text_in_order("trigger || ' ' || cast(counts as string)", 'trigger') }} as fingerprint
    from triggers
    group by period
),

inputs as (
    select * from contents
    union all
    select * from sites
    union all
    select * from periods
    union all
    select * from trigger_periods
)

select * from inputs
