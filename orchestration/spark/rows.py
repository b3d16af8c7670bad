"""Raw rows from projected records, in Spark's SQL: what event_feeds.py's inserts say in DuckDB's.

What belongs here: for each feed, a query a raw table over the view `projected` (content_id, record_index and the
columns of the feed's shape); pages; consumer ids under the pseudonym key. What does not: parsing, files, ids.
Columns are named; loader.py takes those of raw_tables.sql in their order.
"""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.event_feeds import RECORDS_PER_CONTENT
from orchestration.records import CONSUMER, MESSAGE
from orchestration.spark.leaves import clean, instant, is_number, milliseconds, truth, whole

COPY = f"content_id * {RECORDS_PER_CONTENT} + record_index as conversation_copy_id"
HEAD = (
    f"content_id, record_index, {COPY}, {clean('info.brandId')} as site_id, "
    f"{clean('info.conversationId')} as conversation_id"
)
PASSED_ON = "content_id, record_index, conversation_copy_id, site_id, conversation_id"
PROJECTED = "projected"


def conversation_tables() -> Iterator[tuple[str, str]]:
    """(raw table, query) for the conversations and everything in them."""
    ids = "filter(transform(messageRecords, message -> message.messageId), id -> id is not null)"
    yield "conversations", f"""
        select
            {HEAD}, {clean("info.source")} as source, {clean("info.status")} as status,
            {instant("info.startTimeL", "info.startTime")} as started_at,
            case when coalesce({milliseconds("info.endTimeL")}, 1) > 0
                then {instant("info.endTimeL", "info.endTime")} end as ended_at,
            {truth("info.isPartial")} as is_partial,
            coalesce(size(array_distinct({ids})) <> size({ids}), false) as has_repeated_message_ids
        from {PROJECTED}"""

    yield "messages", f"""
        select
            {PASSED_ON}, place + 1 as message_index, {clean("item.messageId")} as message_id,
            {clean("item.participantId")} as participant_id, {instant("item.timeL", "item.`time`")} as sent_at,
            case lower(item.sentBy) when 'consumer' then 'consumer' when 'agent' then 'agent' end as sender_side,
            {clean("item.audience")} as audience,
            case when conversation_source is null then {clean("item.source")} end as message_source
        from (
            select {HEAD}, {clean("info.source")} as conversation_source, posexplode(messageRecords) as (place, item)
            from {PROJECTED}
        )
        where {clean("item.messageId")} is not null"""

    kind = f"""case
                when {clean("item.userType")} is not null then
                    case item.userType
                        when '0' then 0 when '1' then 1 when '2' then 2
                        when '0.0' then 0 when '1.0' then 1 when '2.0' then 2
                    end
                else case lower(item.userTypeName) when 'system' then 0 when 'human' then 1 when 'bot' then 2 end
            end"""
    yield "agent_participants", f"""
        select * from (
            select
                {PASSED_ON}, {clean("item.agentId")} as agent_id, {kind} as user_type,
                {instant("item.timeL", "item.`time`")} as listed_at
            from (select {HEAD}, explode(agentParticipants) as item from {PROJECTED})
        )
        where agent_id is not null and user_type is not null"""

    listed = "concat(coalesce(consumerParticipants, array()), coalesce(consumerParticipant, array()))"
    yield "consumer_participants", f"""
        select
            {PASSED_ON}, item.participantId as participant_id, {instant("item.timeL", "item.`time`")} as listed_at
        from (select {HEAD}, explode({listed}) as item from {PROJECTED})
        where {clean("item.participantId")} is not null"""

    interactive = milliseconds("item.interactiveTimeL")
    yield "cobrowse_sessions", f"""
        select
            {PASSED_ON}, place + 1 as session_index, item.sessionId as session_id,
            {instant("item.startTimeL", "item.startTime")} as started_at,
            case when coalesce({interactive}, 1) not in (0, -1)
                then {instant("item.interactiveTimeL", "item.interactiveTime")} end as interactive_at,
            coalesce(lower(item.isInteractive) = 'true', false)
            or coalesce(lower(item.interactive) = 'true', false) as is_interactive
        from (
            select {HEAD}, posexplode(coBrowseSessions.coBrowseSessionsList) as (place, item)
            from {PROJECTED}
        )
        where {clean("item.sessionId")} is not null"""


def invocation_tables() -> Iterator[tuple[str, str]]:
    """(raw table, query) for the invocations."""
    count = clean("`count`")
    exact = f"case when {is_number('`count`')} then try_cast(trim(`count`) as decimal(38, 9)) end"
    yield "function_invocations", f"""
        select
            content_id, record_index, accountId as site_id, {clean("functionUuid")} as function_id,
            invocationId as invocation_id, {instant("timestampL")} as invoked_at, {clean("`trigger`")} as trigger,
            {clean("`state`")} as state,
            case when {exact} = floor({exact}) then try_cast({exact} as bigint) end as invocation_count,
            ({count}) is not null as is_count_stated
        from {PROJECTED}"""


def snapshot_tables() -> Iterator[tuple[str, str]]:
    """(raw table, query) for the snapshots and their users."""
    snapshot = f"content_id, record_index, accountId as site_id, {instant('snapshotTimeL')} as snapshot_at"
    yield "platform_user_snapshots", f"select {snapshot} from {PROJECTED}"
    yield "platform_users", f"""
        select
            content_id, record_index, place + 1 as user_index, site_id, snapshot_at, item.id as user_id,
            case item.userTypeId when '1' then 1 when '2' then 2 when '1.0' then 1 when '2.0' then 2 end as user_type,
            {truth("item.isEnabled")} as is_enabled, {truth("item.deleted")} as is_deleted
        from (select {snapshot}, posexplode(users) as (place, item) from {PROJECTED})
        where {clean("item.id")} is not null"""


def case_event_tables() -> Iterator[tuple[str, str]]:
    """(raw table, query) for the events of support cases."""
    yield "support_case_events", f"""
        select
            content_id, record_index, accountId as site_id, caseId as case_id, {clean("openedBy")} as opened_by,
            {clean("severity")} as severity, {clean("channel")} as channel, {clean("`event`")} as event,
            {instant("timestampL")} as occurred_at, {clean("scope")} as scope, {clean("incidentId")} as incident_id
        from {PROJECTED}"""


TABLES = {
    "messaging_interactions": conversation_tables,
    "function_invocations": invocation_tables,
    "platform_users": snapshot_tables,
    "support_cases": case_event_tables,
}


def page_of(metadata: str, page_records: str) -> str:
    """What is kept of a response page, as a struct: its search's address only as a hash, and the account in it."""
    href = f"{metadata}.self.href"
    bare = f"regexp_replace({href}, '(?s)\\\\A(.*?)([?&])offset=[^&]*(?:&|\\\\z)', '$1$2')"
    return f"""named_struct(
        'search_key', case when {clean(href)} is not null then sha2(trim(trailing '?&' from {bare}), 256) end,
        'search_count', {whole(clean(f"{metadata}.`count`"))},
        'page_records', cast({page_records} as bigint),
        'is_partial_result', coalesce(lower({metadata}.shardsStatusResult.partialResult) = 'true', false),
        'site_id', nullif(regexp_extract({href}, '/account/([^/?#]+)', 1), ''))"""


def pseudonymised(column: str) -> str:
    """A list column of a conversation with its consumers' ids as HMAC-SHA256 (SPEC 6); other columns as they are.

    The key's blocks are the columns hmac_inner and hmac_outer (binary): values of a row, so that no plan, log or
    SQL text shows them.
    """

    def pseudonym(leaf: str) -> str:
        digest = f"unhex(sha2(concat(hmac_inner, cast({leaf} as binary)), 256))"
        return f"case when {leaf} is not null then sha2(concat(hmac_outer, {digest}), 256) end"

    def rebuilt(shape: dict[str, str], person: str) -> str:
        fields = (f"'{key}', {person if key == 'participantId' else f'item.`{key}`'}" for key in shape)
        return f"transform({column}, item -> named_struct({', '.join(fields)}))"

    if column in ("consumerParticipants", "consumerParticipant"):
        stated = f"{clean('item.participantId')} is not null"
        return rebuilt(CONSUMER, f"case when {stated} then {pseudonym('item.participantId')} end")
    if column == "messageRecords":
        listed = "concat(coalesce(consumerParticipants, array()), coalesce(consumerParticipant, array()))"
        consumers = f"transform({listed}, listed -> listed.participantId)"
        person = clean("item.participantId")
        is_agents = (
            f"coalesce(lower(item.sentBy) = 'agent', false) "
            f"and not coalesce(array_contains({consumers}, {person}), false)"
        )
        return rebuilt(MESSAGE, f"case when {is_agents} then {person} else {pseudonym(f'({person})')} end")
    return f"`{column}`"
