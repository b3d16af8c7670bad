{# What tells that the exports themselves are not whole (INPUTS.md, completeness). #}
with pages as (
    select * from {{ ref('stg_messaging__pages') }}
),

conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

contested_copies as (
    select * from {{ ref('int_contested_copies') }}
),

files as (
    select * from {{ ref('int_files') }}
),

content_ends as (
    select * from {{ ref('int_content_ends') }}
),

site_days as (
    select * from {{ ref('int_site_day_contracts') }}
),

periods as (
    select * from {{ ref('int_periods') }}
    where is_run_period
),

-- What is missing is most likely late in the period: the site's last contract of it is held.
site_contracts as (
    select
        site_days.site_id,
        max_by(site_days.contract_id, site_days.site_date) filter (where site_days.contract_id is not null) as contract_id,
        any_value(periods.period) as period,
        max(site_days.last_instant_at) as period_ends_at
    from site_days
    inner join periods
        on site_days.period = periods.period
    group by site_days.site_id
),

page_sites as (
    select distinct content_id, site_id
    from conversations
),

search_gaps as (
    select
        'search_not_complete' as kind,
        site_id,
        case when searches = 1 then 'the search of ' || file || ' has ' else 'the ' || searches || ' searches like that of ' || file || ' have ' end
        || records || ' records, ' || delivered || ' were delivered' as detail
    from {{ ref('int_search_gaps') }}
),

partial_results as (
    select
        'partial_result' as kind,
        coalesce(page_sites.site_id, pages.site_id) as site_id,
        files.file || ' says partialResult' as detail
    from pages
    inner join files
        on pages.content_id = files.content_id
    left join page_sites
        on pages.content_id = page_sites.content_id
    where pages.is_partial_result
),

-- The last export of each conversation: the latest by its messages, then by its path.
last_copies as (
    select
        conversations.site_id,
        conversations.conversation_id,
        conversations.status,
        conversations.is_partial,
        files.file,
        coalesce(content_ends.last_instant_at, conversations.started_at) as reaches_to
    from conversations
    inner join files
        on conversations.content_id = files.content_id
    inner join content_ends
        on conversations.content_id = content_ends.content_id
    left join contested_copies
        on conversations.conversation_copy_id = contested_copies.conversation_copy_id
    where conversations.is_partial
        or upper(conversations.status) = 'OPEN'
        or contested_copies.conversation_copy_id is not null
    qualify row_number() over (
            partition by conversations.site_id, conversations.conversation_id
            order by
                contested_copies.last_message_at desc nulls last,
                contested_copies.messages desc,
                files.file desc,
                conversations.record_index desc
        ) = 1
),

partial_conversations as (
    select
        'partial_conversation' as kind,
        site_id,
        'conversation ' || conversation_id || ' in ' || file || ' says isPartial' as detail
    from last_copies
    where is_partial
),

-- The interface searches by the start of a conversation: later messages of old ones are easily missed.
still_open as (
    select
        'open_conversation' as kind,
        last_copies.site_id,
        'conversation ' || last_copies.conversation_id || ' was open in its last export, ' || last_copies.file
        || ', which ends before the period does' as detail
    from last_copies
    inner join site_contracts
        on last_copies.site_id = site_contracts.site_id
    where upper(last_copies.status) = 'OPEN'
        -- An export that says nothing of when it was made may have been made at any time.
        and coalesce(last_copies.reaches_to < site_contracts.period_ends_at, true)
),

gaps as (
    select * from search_gaps
    union all
    select * from partial_results
    union all
    select * from partial_conversations
    union all
    select * from still_open
),

placed as (
    select
        gaps.kind,
        gaps.site_id,
        gaps.detail,
        site_contracts.contract_id,
        site_contracts.period
    from gaps
    left join site_contracts
        on gaps.site_id = site_contracts.site_id
)

select * from placed
