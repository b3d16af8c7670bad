{{ config(tags=['changed']) }}
-- SPEC section 7: the message that a DAR names was sent at the DAR's first instant, in a file that is there. Its
-- conversation is looked for on all dates, whatever a build believes that it changed; the message on dates made anew.
with dars as (
    select * from {{ ref('fct_daily_active_relationships') }}
),

conversations as (
    select * from {{ ref('stg_messaging__conversations') }}
),

made_anew as (
    select *
    from dars
    semi join {{ ref('int_changed_days') }}
        using (site_id, activity_date)
),

-- In each copy of the conversation: any may be the one that has it.
wanted as (
    select
        conversations.conversation_copy_id,
        conversations.site_id,
        conversations.conversation_id,
        made_anew.evidence_message_id as message_id,
        made_anew.first_message_at as sent_at
    from conversations
    inner join made_anew
        on conversations.site_id = made_anew.site_id
        and conversations.conversation_id = made_anew.evidence_conversation_id
),

found as (
    select
        wanted.site_id,
        wanted.conversation_id,
        wanted.message_id,
        wanted.sent_at
    from {{ ref('stg_messaging__messages') }} as messages
    inner join wanted
        on messages.conversation_copy_id = wanted.conversation_copy_id
        and messages.message_id = wanted.message_id
        and messages.sent_at = wanted.sent_at
)

select 'its conversation is in no file' as finding, dars.*
from dars
anti join conversations
    on dars.site_id = conversations.site_id
    and dars.evidence_conversation_id = conversations.conversation_id
union all
select 'its message is in no copy of the conversation' as finding, made_anew.*
from made_anew
anti join found
    on made_anew.site_id = found.site_id
    and made_anew.evidence_conversation_id = found.conversation_id
    and made_anew.evidence_message_id = found.message_id
    and made_anew.first_message_at = found.sent_at
