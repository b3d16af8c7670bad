{{ config(tags=['changed']) }}
-- SPEC section 7: the message that a DAR names was sent at the DAR's first instant, in a file that is there. Of the dates
-- that this build made anew: a file that goes makes its dates anew.
with dars as (
    select *
    from {{ ref('fct_daily_active_relationships') }}
    semi join {{ ref('int_changed_days') }}
        using (site_id, activity_date)
),

-- In each copy of the conversation: any may be the one that has it.
wanted as (
    select
        conversations.conversation_copy_id,
        conversations.site_id,
        conversations.conversation_id,
        dars.evidence_message_id as message_id,
        dars.first_message_at as sent_at
    from {{ ref('stg_messaging__conversations') }} as conversations
    inner join dars
        on conversations.site_id = dars.site_id
        and conversations.conversation_id = dars.evidence_conversation_id
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

select dars.*
from dars
anti join found
    on dars.site_id = found.site_id
    and dars.evidence_conversation_id = found.conversation_id
    and dars.evidence_message_id = found.message_id
    and dars.first_message_at = found.sent_at
