{# The one pass over all messages: from here on the rows are as many as senders per conversation and date. #}
with messages as (
    select * from {{ ref('int_messages_winning') }}
),

offsets as (
    select * from {{ ref('int_site_offset_buckets') }}
),

dated as (
    select
        messages.conversation_copy_id,
        messages.site_id,
        messages.conversation_id,
        messages.sender_side,
        messages.participant_id,
        messages.audience,
        messages.message_source,
        messages.message_id,
        messages.sent_at,
        messages.first_arrived_in,
        offsets.listening_enabled,
        {{ site_date('messages.sent_at', 'offsets.utc_offset_seconds') }} as activity_date
    from messages
    inner join offsets
        on messages.site_id = offsets.site_id
        and {{ instant_bucket('messages.sent_at') }} = offsets.instant_bucket
        and messages.sent_at >= offsets.valid_from
        and messages.sent_at < offsets.valid_to
),

grouped as (
    select
        conversation_copy_id,
        sender_side,
        participant_id,
        audience,
        message_source,
        activity_date,
        any_value(site_id) as site_id,
        any_value(conversation_id) as conversation_id,
        count(*) as messages,
        count_if(listening_enabled) as listened_messages,
        min(first_arrived_in) as first_arrived_in,
        max(sent_at) as last_message_at,
        min({ 'sent_at': sent_at, 'message_id': message_id }) as first_message
    from dated
    group by conversation_copy_id, sender_side, participant_id, audience, message_source, activity_date
),

groups as (
    select
        grouped.* exclude (first_message),
        first_message.sent_at as first_message_at,
        first_message.message_id as first_message_id
    from grouped
)

select * from groups
