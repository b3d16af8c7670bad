"""The four feeds of events: which fields are read, which records are looked at twice, and the raw rows they become.

What belongs here: a feed's projected shape, its conditions and the SQL that turns its records into raw rows. What does
not: the SQL of one value (leaves), reading files and transactions (batch), any rule about what counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestration import records
from orchestration.leaves import clean, instant, is_number, is_odd, is_unusable, milliseconds, truth
from orchestration.records import Judge

RECORDS_PER_CONTENT = 1 << 24  # conversation_copy_id = content_id * this + place in the content


@dataclass(frozen=True)
class Feed:
    """How the records of a folder are read, judged and written."""

    name: str
    shape: dict[str, Any]
    judge: Judge
    object_kind: str  # record_kind of a .json file that is not one usable object
    tables: tuple[str, ...]
    suspicious: tuple[str, ...]  # conditions on a record; `{items}` queries on the items of its lists
    items: tuple[tuple[str, str], ...]  # (list, condition on its element `item`)
    counted: tuple[tuple[str, str], ...]  # (raw table whose rows are records, its instant)
    page_list: str | None = None


FEEDS = {
    feed.name: feed
    for feed in (
        Feed(
            name="messaging_interactions",
            shape=records.CONVERSATION,
            judge=records.judge_conversation,
            object_kind="page",
            tables=(
                "conversations",
                "messages",
                "agent_participants",
                "consumer_participants",
                "cobrowse_sessions",
                "pages",
            ),
            suspicious=(
                is_unusable("info.conversationId"),
                is_unusable("info.brandId"),
                is_odd("info.source"),
                is_odd("info.status"),
                "messageRecords is null",
                "coBrowseSessions is not null and coBrowseSessions.coBrowseSessionsList is null",
            ),
            items=(
                (
                    "messageRecords",
                    " or ".join(
                        (
                            is_unusable("item.messageId"),
                            is_odd("item.participantId"),
                            is_odd("item.audience"),
                            is_odd("item.source"),
                        )
                    ),
                ),
                ("coBrowseSessions.coBrowseSessionsList", is_unusable("item.sessionId")),
                ("agentParticipants", is_odd("item.agentId")),
                ("consumerParticipants", is_odd("item.participantId")),
                ("consumerParticipant", is_odd("item.participantId")),
            ),
            counted=(("messages", "sent_at"), ("cobrowse_sessions", "coalesce(interactive_at, started_at)")),
            page_list=records.PAGE_LIST,
        ),
        Feed(
            name="function_invocations",
            shape=records.INVOCATION,
            judge=records.judge_invocation,
            object_kind="invocation",
            tables=("function_invocations",),
            suspicious=(
                is_unusable("accountId"),
                is_unusable("invocationId"),
                is_odd("functionUuid"),
                is_odd('"trigger"'),
                is_odd('"state"'),
            ),
            items=(),
            counted=(("function_invocations", "invoked_at"),),
        ),
        Feed(
            name="platform_users",
            shape=records.SNAPSHOT,
            judge=records.judge_snapshot,
            object_kind="snapshot",
            tables=("platform_users", "platform_user_snapshots"),
            suspicious=(is_unusable("accountId"), "users is null"),
            items=(("users", is_unusable("item.id")),),
            counted=(("platform_users", "snapshot_at"),),
        ),
        Feed(
            name="support_cases",
            shape=records.CASE_EVENT,
            judge=records.judge_case_event,
            object_kind="case_event",
            tables=("support_case_events",),
            suspicious=(
                is_unusable("accountId"),
                is_unusable("caseId"),
                *(is_odd(f'"{key}"') for key in ("openedBy", "severity", "channel", "event", "scope", "incidentId")),
            ),
            items=(),
            counted=(("support_case_events", "occurred_at"),),
        ),
    )
}


def _insert_conversations(source: str, pseudonymised: bool) -> Iterator[str]:
    """The statements that write the conversation records of `source` to the raw tables.

    With a pseudonym key the statements take two parameters, its inner and outer HMAC block: SPEC 6.
    """
    copy = f"content_id * {RECORDS_PER_CONTENT} + record_index as conversation_copy_id"
    keys = f"{clean('info.brandId')} as site_id, {clean('info.conversationId')} as conversation_id"
    place = f"content_id, {copy}"
    head = f"{place}, {keys}"

    def pseudonym(leaf: str) -> str:
        if not pseudonymised:
            return leaf
        return f"sha256($outer || unhex(sha256($inner || encode({leaf}))))"

    yield f"""
        insert into raw.conversations
        select
            content_id, {copy}, record_index, {keys}, {clean("info.source")}, {clean("info.status")},
            {instant("info.startTimeL", "info.startTime")},
            case when coalesce({milliseconds("info.endTimeL")}, 1) > 0
                then {instant("info.endTimeL", "info.endTime")} end,
            {truth("info.isPartial")},
            coalesce(
                list_count([message.messageId for message in messageRecords])
                <> list_unique([message.messageId for message in messageRecords]),
                false
            )
        from {source}"""

    listed = ""
    person = "participant_id"
    if pseudonymised:
        listed = """, list_concat(
            [listed.participantId for listed in consumerParticipants],
            [listed.participantId for listed in consumerParticipant]) as consumers"""
        person = f"""case
                when sender_side = 'agent' and not coalesce(list_contains(consumers, participant_id), false)
                    then participant_id
                else {pseudonym("participant_id")}
            end"""
    carried = ", consumers" if pseudonymised else ""
    yield f"""
        insert into raw.messages
        select
            content_id, conversation_copy_id, message_index, site_id, message_id,
            {person}, sent_at, sender_side, audience, message_source
        from (
            select
                content_id, conversation_copy_id, message_index, site_id{carried},
                {clean("item.messageId")} as message_id,
                {clean("item.participantId")} as participant_id,
                {instant("item.timeL", 'item."time"')} as sent_at,
                case lower(item.sentBy) when 'consumer' then 'consumer' when 'agent' then 'agent' end as sender_side,
                {clean("item.audience")} as audience,
                case when conversation_source is null then {clean("item.source")} end as message_source
            from (
                select
                    {place}, {clean("info.brandId")} as site_id, {clean("info.source")} as conversation_source{listed},
                    generate_subscripts(messageRecords, 1)::integer as message_index, unnest(messageRecords) as item
                from {source}
            )
        )
        where message_id is not null"""

    kind = f"""case
                when {clean("item.userType")} is not null then
                    case item.userType
                        when '0' then 0 when '1' then 1 when '2' then 2
                        when '0.0' then 0 when '1.0' then 1 when '2.0' then 2
                    end
                else case lower(item.userTypeName) when 'system' then 0 when 'human' then 1 when 'bot' then 2 end
            end"""
    yield f"""
        insert into raw.agent_participants
        select content_id, conversation_copy_id, agent_id, user_type, listed_at
        from (
            select
                content_id, conversation_copy_id,
                {clean("item.agentId")} as agent_id, {kind}::tinyint as user_type,
                {instant("item.timeL", 'item."time"')} as listed_at
            from (select {place}, unnest(agentParticipants) as item from {source})
        )
        where agent_id is not null and user_type is not null"""

    for spelling in ("consumerParticipants", "consumerParticipant"):
        yield f"""
        insert into raw.consumer_participants
        select
            content_id, conversation_copy_id, {pseudonym("item.participantId")}, {instant("item.timeL", 'item."time"')}
        from (select {place}, unnest({spelling}) as item from {source})
        where {clean("item.participantId")} is not null"""

    interactive = f"{milliseconds('item.interactiveTimeL')}"
    yield f"""
        insert into raw.cobrowse_sessions
        select
            content_id, conversation_copy_id, record_index, session_index, site_id, conversation_id,
            item.sessionId, {instant("item.startTimeL", "item.startTime")},
            case when coalesce({interactive}, 1) not in (0, -1)
                then {instant("item.interactiveTimeL", "item.interactiveTime")} end,
            coalesce(lower(item.isInteractive) = 'true', false) or coalesce(lower(item.interactive) = 'true', false)
        from (
            select
                {head}, record_index,
                generate_subscripts(coBrowseSessions.coBrowseSessionsList, 1)::integer as session_index,
                unnest(coBrowseSessions.coBrowseSessionsList) as item
            from {source}
        )
        where {clean("item.sessionId")} is not null"""


def _insert_invocations(source: str, _: bool) -> Iterator[str]:
    count = clean('"count"')
    digits = f"try_cast({count} as bigint)"
    whole = f"case when {is_number(count)} then try_cast({count} as decimal(38, 9)) end"
    yield f"""
        insert into raw.function_invocations
        select
            content_id, record_index, accountId, {clean("functionUuid")}, invocationId, {instant("timestampL")},
            {clean('"trigger"')}, {clean('"state"')},
            case when {digits}::varchar = {count} then {digits}
                when {whole} = floor({whole}) then try_cast({whole} as bigint) end,
            ({count}) is not null
        from {source}"""


def _insert_snapshots(source: str, _: bool) -> Iterator[str]:
    yield f"""
        insert into raw.platform_user_snapshots
        select content_id, record_index, accountId, {instant("snapshotTimeL")}
        from {source}"""
    yield f"""
        insert into raw.platform_users
        select
            content_id, record_index, user_index, accountId, snapshot_at, item.id,
            case item.userTypeId when '1' then 1 when '2' then 2 when '1.0' then 1 when '2.0' then 2 end,
            {truth("item.isEnabled")}, {truth("item.deleted")}
        from (
            select
                content_id, record_index, accountId, {instant("snapshotTimeL")} as snapshot_at,
                generate_subscripts(users, 1)::integer as user_index, unnest(users) as item
            from {source}
        )
        where {clean("item.id")} is not null"""


def _insert_case_events(source: str, _: bool) -> Iterator[str]:
    yield f"""
        insert into raw.support_case_events
        select
            content_id, record_index, accountId, caseId, {clean("openedBy")}, {clean("severity")},
            {clean("channel")}, {clean('"event"')}, {instant("timestampL")}, {clean("scope")}, {clean("incidentId")}
        from {source}"""


INSERTS = {
    "messaging_interactions": _insert_conversations,
    "function_invocations": _insert_invocations,
    "platform_users": _insert_snapshots,
    "support_cases": _insert_case_events,
}
