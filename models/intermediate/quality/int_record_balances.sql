{# SPEC C6 per feed, site and date: what arrived for a site beside its outcomes, and what counted on a site's date beside
   the facts of that date. A record lost at one site and doubled at another would balance in the feeds' sums. #}
with outcomes as (
    select * from {{ ref('int_record_outcomes') }}
),

arrived as (
    select 'messaging_interactions' as feed, site_id, count(*) as records
    from {{ ref('stg_messaging__messages') }}
    group by site_id
    union all
    select 'messaging_interactions', site_id, count(*)
    from {{ ref('stg_messaging__cobrowse_sessions') }}
    group by site_id
    union all
    select 'function_invocations', site_id, count(*)
    from {{ ref('stg_functions__invocations') }}
    group by site_id
    union all
    select 'platform_users', site_id, count(*)
    from {{ ref('stg_platform__users') }}
    group by site_id
    union all
    select 'support_cases', site_id, count(*)
    from {{ ref('stg_support__case_events') }}
    group by site_id
),

facts as (
    select
        'message' as record_kind,
        site_id,
        activity_date,
        sum(consumer_messages + human_messages + bot_messages) as records
    from {{ ref('int_relationship_days') }}
    group by site_id, activity_date
    union all
    select 'cobrowse_session', site_id, activity_date, count(*)
    from {{ ref('int_cobrowse_sessions') }}
    where is_interactive
    group by site_id, activity_date
),

cells as (
    select 'received_by_site' as check_name, feed, site_id, cast(null as date) as activity_date, records as left_total, 0 as right_total
    from arrived
    union all
    -- What loading rejected has no site.
    select 'received_by_site', feed, site_id, null, 0, records
    from outcomes
    where site_id is not null
    union all
    select 'counted_by_site_and_date', 'messaging_interactions', site_id, activity_date, 0, records
    from facts
    union all
    select 'counted_by_site_and_date', feed, site_id, activity_date, records, 0
    from outcomes
    where outcome = 'counted'
        and record_kind in ('message', 'cobrowse_session')
),

balances as (
    select
        check_name,
        feed,
        site_id,
        activity_date,
        cast(sum(left_total) as bigint) as left_total,
        cast(sum(right_total) as bigint) as right_total
    from cells
    group by check_name, feed, site_id, activity_date
)

select * from balances
