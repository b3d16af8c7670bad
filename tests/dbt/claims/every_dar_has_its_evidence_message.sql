-- SPEC section 7: the message that a DAR names was sent at the DAR's first instant, in a file that is there.
select dars.*
from {{ ref('fct_daily_active_relationships') }} as dars
anti join (
    select
        conversations.site_id,
        conversations.conversation_id,
        messages.message_id,
        messages.sent_at
    from {{ ref('stg_messaging__messages') }} as messages
    inner join {{ ref('stg_messaging__conversations') }} as conversations
        on messages.conversation_copy_id = conversations.conversation_copy_id
) as messages
    on dars.site_id = messages.site_id
    and dars.evidence_conversation_id = messages.conversation_id
    and dars.evidence_message_id = messages.message_id
    and dars.first_message_at = messages.sent_at
