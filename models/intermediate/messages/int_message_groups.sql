{{ config(meta={'slices': {'of': 'int_conversation_copies', 'by': 'conversation_copy_id'}}) }}

{# The one pass over all messages: from here on the rows are as many as senders per conversation and date. #}
with messages as (
    select * from {{ ref('int_messages_winning') }}
    where {{ in_slice('conversation_copy_id') }}
),

offsets as (
    select * from {{ ref('int_site_offset_buckets') }}
),

dated as (
    select
        messages.conversation_copy_id,
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

groups as (
    select
        conversation_copy_id,
        sender_side,
        participant_id,
        audience,
        message_source,
        activity_date,
        count(*) as messages,
        cast(count_if(listening_enabled) as bigint) as listened_messages,
        min(first_arrived_in) as first_arrived_in,
        min(sent_at) as first_message_at,
        min_by(message_id, {{ record_of({'sent_at': 'sent_at', 'message_id': 'message_id'}) }}) as first_message_id,
        max(sent_at) as last_message_at
    from dated
    group by conversation_copy_id, sender_side, participant_id, audience, message_source, activity_date
)

select * from groups
