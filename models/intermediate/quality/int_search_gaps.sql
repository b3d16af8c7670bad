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

listed as (
    select
        searched.*,
        count(conversations.conversation_id) as conversations,
        list(distinct case when conversations.conversation_id is not null then row(conversations.site_id, conversations.conversation_id) end) as keys
    from searched
    left join conversations
        on searched.content_id = conversations.content_id
    group by all
),

-- What a page lists and loading rejected was delivered too.
delivered as (
    select
        search_key,
        search_count,
        max(file) as file,
        max(site_id) as stated_site_id,
        max(page_records) as most_records,
        bool_or(is_part) as has_parts,
        coalesce(sum(page_records - conversations) filter (where is_part), 0)
        + coalesce(len(list_distinct(flatten(list(keys) filter (where is_part)))), 0) as delivered
    from listed
    group by search_key, search_count
),

gaps as (
    select
        search_key,
        search_count,
        file,
        stated_site_id,
        cast(delivered as bigint) as delivered,
        cast(greatest((delivered + search_count - 1) // search_count, 1) as bigint) as searches
    from delivered
    where (has_parts and delivered % search_count <> 0)
        or most_records = 0
),

sites as (
    select distinct searched.search_key, searched.search_count, conversations.site_id
    from searched
    inner join conversations
        on searched.content_id = conversations.content_id
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
