{# SPEC 5: one row per rejected record and distinct content. The hash names the record, not its content. #}
with loading as (
    select * from {{ ref('stg_landing__rejected_records') }}
),

files as (
    select * from {{ ref('int_files') }}
),

messages as (
    select * from {{ ref('int_messages_rejected') }}
),

sessions as (
    select * from {{ ref('int_cobrowse_copies') }}
    where rejected_reason is not null
),

invocations as (
    select * from {{ ref('int_invocation_copies') }}
    where rejected_reason is not null
),

users as (
    select * from {{ ref('int_platform_user_records') }}
    where outcome = 'rejected'
),

case_events as (
    select * from {{ ref('int_case_event_copies') }}
    where rejected_reason is not null
),

rejected as (
    select
        content_id,
        record_index,
        item_index,
        record_kind,
        reason,
        detail,
        record_hash,
        cast(null as string) as site_id
    from loading
    union all
    select
        content_id,
        record_index,
        message_index,
        'message',
        reason,
        null,
        {{ sha256_of("concat_ws(chr(31), site_id, conversation_id, message_id, cast(message_index as string))") }},
        site_id
    from messages
    union all
    select
        content_id,
        record_index,
        session_index,
        'cobrowse_session',
        rejected_reason,
        null,
        {{ sha256_of("concat_ws(chr(31), site_id, conversation_id, session_id, cast(session_index as string))") }},
        site_id
    from sessions
    union all
    select
        content_id,
        record_index,
        cast(null as integer),
        'invocation',
        rejected_reason,
        null,
        {{ sha256_of("concat_ws(chr(31), site_id, invocation_id, cast(record_index as string))") }},
        site_id
    from invocations
    union all
    select
        content_id,
        record_index,
        user_index,
        'user',
        reason,
        null,
        {{ sha256_of("concat_ws(chr(31), site_id, user_id, cast(record_index as string), cast(user_index as string))") }},
        site_id
    from users
    union all
    select
        content_id,
        record_index,
        cast(null as integer),
        'case_event',
        rejected_reason,
        null,
        {{ sha256_of("concat_ws(chr(31), site_id, case_id, cast(record_index as string))") }},
        site_id
    from case_events
),

named as (
    select
        files.feed,
        files.file,
        rejected.record_index as line,
        rejected.item_index as item,
        rejected.record_kind,
        rejected.reason,
        coalesce(rejected.detail, {{ remedy_of('rejected.reason') }}) as detail,
        rejected.record_hash,
        rejected.site_id
    from rejected
    inner join files
        on rejected.content_id = files.content_id
)

select * from named
