{# Conversations of which a copy came, went or has another name or seal, those of a site whose clock changed, and all
   of them where the rules of a period did. #}
with changed as (
    select * from {{ ref('int_changed_inputs') }}
),

changed_contents as (
    select cast(input_key as bigint) as content_id
    from changed
    where kind = 'content'
),

changed_sites as (
    select site_id
    from changed
    where kind = 'site'
),

changed_rules as (
    select cast(count(*) as bigint) as periods
    from changed
    where kind = 'period'
        and not is_new
        and not is_gone
),

touched as (
    select
        conversations.site_id,
        conversations.conversation_id
    from {{ ref('stg_messaging__conversations') }} as conversations
    cross join changed_rules
    left join changed_contents
        on conversations.content_id = changed_contents.content_id
    left join changed_sites
        on conversations.site_id = changed_sites.site_id
    where changed_contents.content_id is not null
        or changed_sites.site_id is not null
        or changed_rules.periods > 0
    union all
    select
        removed.site_id,
        removed.conversation_id
    from {{ ref('stg_messaging__removed_conversations') }} as removed
    inner join changed_contents
        on removed.content_id = changed_contents.content_id
),

conversations as (
    select distinct
        site_id,
        conversation_id
    from touched
)

select * from conversations
