{{ config(
    materialized=kept(),
    unique_key=['site_id', 'activity_date'],
    meta={'changes': 'int_changed_days', 'slices': {'of': 'int_conversation_days', 'by': 'activity_date'}}
) }}


with changed as (
    select * from {{ ref('int_changed_days') }}
),

conversation_days as (
    select conversation_days.*
    from {{ ref('int_conversation_days') }} as conversation_days
    inner join changed
        on conversation_days.site_id = changed.site_id
        and conversation_days.activity_date = changed.activity_date
    where {{ in_slice('conversation_days.activity_date') }}
),

channels as (
    select * from {{ ref('int_period_channels') }}
),

terms as (
    select * from {{ ref('int_site_day_terms') }}
),

listed_channels as (
    select * from {{ ref('int_listed_channels') }}
),

sources as (
    select
        site_id,
        relationship_id,
        activity_date,
        source,
        min(first_arrived_in) as first_arrived_in,
        min_by(evidence_file, {{ record_of({'at': 'first_message_at', 'conversation_id': 'conversation_id'}) }}) as evidence_file
    from conversation_days
    group by site_id, relationship_id, activity_date, source
),

mapped as (
    select
        sources.*,
        channels.channel
    from sources
    left join channels
        on sources.source = channels.source
        and {{ period_of('sources.activity_date') }} = channels.period
),

-- One row per channel of the DAR, and one per source that no row maps.
distinct_channels as (
    select
        site_id,
        relationship_id,
        activity_date,
        channel,
        case when channel is null then coalesce(source, '') end as unmapped_source,
        min(first_arrived_in) as first_arrived_in,
        min(evidence_file) as evidence_file
    from mapped
    group by all
),

listed as (
    select
        distinct_channels.*,
        terms.contract_id,
        listed_channels.channel is not null as is_listed
    from distinct_channels
    left join terms
        on distinct_channels.site_id = terms.site_id
        and distinct_channels.activity_date = terms.site_date
    left join listed_channels
        on terms.terms_id = listed_channels.terms_id
        and terms.rate_plan_id = listed_channels.rate_plan_id
        and distinct_channels.channel = listed_channels.channel
),

credited as (
    select
        *,
        -- SPEC R7: a channel that the plan does not list consumes nothing; without a contract it is counted.
        cast(case when contract_id is null or is_listed or channel is null then 1 else 0 end as decimal(18, 6)) as credits
    from listed
)

select * from credited
