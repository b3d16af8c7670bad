with conversation_days as (
    select * from {{ ref('int_conversation_days') }}
),

kept_terms as (
    select * from {{ ref('int_sealed_terms') }}
    where not is_repriced
),

channels as (
    select * from {{ ref('channels') }}
),

sealed_channels as (
    select * from {{ ref('stg_sealed__channels') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

contract_periods as (
    select * from {{ ref('int_contract_periods') }}
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
        arg_min(evidence_file, { 'at': first_message_at, 'conversation_id': conversation_id }) as evidence_file
    from conversation_days
    group by site_id, relationship_id, activity_date, source
),

-- A source mapped when its period was sealed stays as it was; one mapped later comes in (SPEC C3, R13).
mapped as (
    select
        sources.*,
        coalesce(sealed_channels.channel, channels.channel) as channel
    from sources
    left join channels
        on sources.source = channels.source
    left join kept_terms
        on {{ period_of('sources.activity_date') }} = kept_terms.period
    left join sealed_channels
        on kept_terms.metering_seal = sealed_channels.seal_period
        and sources.source = sealed_channels.source
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
        site_days.contract_id,
        listed_channels.channel is not null as is_listed
    from distinct_channels
    left join site_days
        on distinct_channels.site_id = site_days.site_id
        and distinct_channels.activity_date = site_days.site_date
    left join contract_periods
        on site_days.contract_id = contract_periods.contract_id
        and site_days.period = contract_periods.period
    left join listed_channels
        on contract_periods.terms_id = listed_channels.terms_id
        and contract_periods.rate_plan_id = listed_channels.rate_plan_id
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
