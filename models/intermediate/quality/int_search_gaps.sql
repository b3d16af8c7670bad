{# INPUTS.md, completeness: searches whose pages delivered fewer records than _metadata.count says.

   An address holds the page's offset and not what was searched for (that is in the request's body): searches of one
   site and one count share it. So conversations decide: those that the pages of n searches delivered are n times the
   count; a page that is whole by itself, delivered again or without an offset takes nothing away. #}
with pages as (
    select * from {{ ref('stg_messaging__pages') }}
),

conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

files as (
    select * from {{ ref('int_files') }}
),

searched as (
    select
        pages.content_id,
        pages.search_count,
        pages.page_records,
        pages.site_id,
        files.file,
        -- A page that states no address belongs to the others of its folder.
        coalesce(pages.search_key, regexp_replace(files.file, '[^/]*$', '')) as search_key,
        pages.page_records > 0 and pages.page_records < pages.search_count as is_part
    from pages
    inner join files
        on pages.content_id = files.content_id
    where pages.search_count > 0
),

contained as (
    select
        searched.content_id,
        searched.search_key,
        searched.search_count,
        searched.is_part,
        conversations.site_id,
        {{ record_of({'site_id': 'conversations.site_id', 'conversation_id': 'conversations.conversation_id'}) }} as conversation
    from searched
    inner join conversations
        on searched.content_id = conversations.content_id
),

listed as (
    select content_id, count(*) as conversations
    from contained
    group by content_id
),

found as (
    select search_key, search_count, count(distinct conversation) as conversations
    from contained
    where is_part
    group by search_key, search_count
),

-- What a page lists and loading rejected was delivered too.
delivered as (
    select
        searched.search_key,
        searched.search_count,
        max(searched.file) as file,
        max(searched.site_id) as stated_site_id,
        max(searched.page_records) as most_records,
        bool_or(searched.is_part) as has_parts,
        coalesce(sum(searched.page_records - coalesce(listed.conversations, 0)) filter (where searched.is_part), 0)
        + coalesce(max(found.conversations), 0) as delivered
    from searched
    left join listed
        on searched.content_id = listed.content_id
    left join found
        on searched.search_key = found.search_key
        and searched.search_count = found.search_count
    group by searched.search_key, searched.search_count
),

gaps as (
    select
        search_key,
        search_count,
        file,
        stated_site_id,
        cast(delivered as bigint) as delivered,
        cast(greatest({{ whole_quotient('cast(delivered + search_count - 1 as bigint)', 'search_count') }}, 1) as bigint) as searches
    from delivered
    where (has_parts and delivered % search_count <> 0)
        or most_records = 0
),

sites as (
    select distinct search_key, search_count, site_id
    from contained
),

placed as (
    select
        coalesce(sites.site_id, gaps.stated_site_id) as site_id,
        gaps.file,
        gaps.searches,
        gaps.searches * gaps.search_count as records,
        gaps.delivered
    from gaps
    left join sites
        on gaps.search_key = sites.search_key
        and gaps.search_count = sites.search_count
)

select * from placed
