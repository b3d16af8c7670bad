{# SPEC R12: two copies of one key that differ in relationship, instant, sender side, channel, count,
   function or whether the trigger counts. A value that one copy lacks is no difference. #}
with contested as (
    select * from {{ ref('int_messages_contested') }}
    where copies > 1
        and may_conflict
),

channels as (
    select * from {{ ref('channels') }}
),

audiences as (
    select * from {{ ref('int_message_audiences') }}
),

rules as (
    select * from {{ ref('int_activity_rules') }}
),

offsets as (
    select * from {{ ref('int_site_utc_offsets') }}
),

cobrowse as (
    select * from {{ ref('int_cobrowse_copies') }}
    where rejected_reason is null
        and is_interactive = is_session_interactive
),

invocations as (
    select * from {{ ref('int_invocation_copies') }}
    where rejected_reason is null
),

-- Those that differ in what the policy of today tells apart.
differing as (
    select
        contested.site_id,
        contested.conversation_id,
        contested.message_id
    from contested
    left join channels
        on contested.source = channels.source
    group by contested.site_id, contested.conversation_id, contested.message_id
    having min(contested.sent_at) <> max(contested.sent_at)
        or min(contested.sender_side) <> max(contested.sender_side)
        or min(case when contested.sender_side = 'consumer' then contested.participant_id end)
        <> max(case when contested.sender_side = 'consumer' then contested.participant_id end)
        or min(coalesce('channel ' || channels.channel, 'source ' || contested.source))
        <> max(coalesce('channel ' || channels.channel, 'source ' || contested.source))
),

messages as (
    select
        contested.*,
        {{ site_date('contested.sent_at', 'offsets.utc_offset_seconds') }} as activity_date
    from contested
    semi join differing
        on contested.site_id = differing.site_id
        and contested.conversation_id = differing.conversation_id
        and contested.message_id = differing.message_id
    inner join offsets
        on contested.site_id = offsets.site_id
        and contested.sent_at >= offsets.valid_from
        and contested.sent_at < offsets.valid_to
),

repeated_invocations as (
    select distinct
        site_id,
        invocation_id
    from invocations
    where place > 1
),

message_keys as (
    select
        messages.site_id,
        messages.conversation_id,
        messages.message_id,
        count(*) as copies,
        min_by(messages.file, messages.place) as winner_file,
        min_by(messages.activity_date, messages.place) as activity_date,
        max(messages.arrived_in) as last_arrived_in,
        -- Billed if any of its copies would count (SPEC R1).
        bool_or(
            coalesce(audiences.reaches_consumer, true)
            and coalesce(rules.counts, true)
        ) as is_billed
    from messages
    left join audiences
        on messages.audience = audiences.audience
        and {{ period_of('messages.activity_date') }} = audiences.period
    left join rules
        on messages.sender_kind = rules.sender_kind
        and {{ period_of('messages.activity_date') }} = rules.period
    group by messages.site_id, messages.conversation_id, messages.message_id
),

session_keys as (
    select
        site_id,
        session_id,
        count(*) as copies,
        min_by(file, place) as winner_file,
        min_by(occurred_at, place) as occurred_at,
        bool_or(is_interactive) as is_billed,
        max(arrived_in) as last_arrived_in
    from cobrowse
    group by site_id, session_id
    -- A copy that does not state when it became interactive has no say in when that was.
    having case
            when bool_or(is_interactive) and count(interactive_at) > 0 then count(distinct interactive_at) > 1
            else count(distinct started_at) > 1
        end
),

invocation_keys as (
    select
        invocations.site_id,
        invocations.invocation_id,
        count(*) as copies,
        min_by(invocations.file, invocations.place) as winner_file,
        min_by(invocations.activity_date, invocations.place) as activity_date,
        bool_or(invocations.counts) as is_billed,
        max(invocations.arrived_in) as last_arrived_in
    from invocations
    semi join repeated_invocations
        on invocations.site_id = repeated_invocations.site_id
        and invocations.invocation_id = repeated_invocations.invocation_id
    group by invocations.site_id, invocations.invocation_id
    having count(distinct invocations.invoked_at) > 1
        or count(distinct invocations.function_id) > 1
        or count(distinct invocations.invocation_count) > 1
        or count(distinct case when invocations.trigger is not null then invocations.counts end) > 1
),

conflicts as (
    select
        'messaging_interactions' as feed,
        'message' as record_kind,
        'dar' as meter,
        message_keys.site_id,
        {{ joined_key(['message_keys.site_id', 'message_keys.conversation_id', 'message_keys.message_id']) }} as conflict_key,
        message_keys.copies,
        message_keys.winner_file,
        message_keys.activity_date,
        message_keys.is_billed,
        message_keys.last_arrived_in
    from message_keys
    union all
    select
        'messaging_interactions',
        'cobrowse_session',
        'cobrowse_session',
        session_keys.site_id,
        {{ joined_key(['session_keys.site_id', 'session_keys.session_id']) }},
        session_keys.copies,
        session_keys.winner_file,
        {{ site_date('session_keys.occurred_at', 'offsets.utc_offset_seconds') }},
        session_keys.is_billed,
        session_keys.last_arrived_in
    from session_keys
    inner join offsets
        on session_keys.site_id = offsets.site_id
        and session_keys.occurred_at >= offsets.valid_from
        and session_keys.occurred_at < offsets.valid_to
    union all
    select
        'function_invocations',
        'invocation',
        'function_invocation',
        site_id,
        {{ joined_key(['site_id', 'invocation_id']) }},
        copies,
        winner_file,
        activity_date,
        is_billed,
        last_arrived_in
    from invocation_keys
)

select * from conflicts
