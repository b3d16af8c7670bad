"""A conversation as the Messaging Interactions API writes it, content and personal fields included.

Every value that must never leave `landing/` (SPEC 6) carries one of MARKERS, so that a byte search can find a leak.
"""

from typing import Any

from demo.clock import text_twin
from demo.conversations import Conversation, Message, Session

MARKERS = ("demo-text", "Testperson", "example.com", "192.0.2.", "+1-555-01")

_USER_TYPES = {"system": ("0", "System"), "human": ("1", "Human"), "bot": ("2", "Bot"), "private": ("1", "Human")}


def _twins(name: str, at: int, quirk: str) -> dict[str, Any]:
    """`name` and `nameL`, spelt the ways that the real exports have them."""
    if quirk == "text_only":
        return {name: text_twin(at)}
    if quirk == "text_undefined":
        return {name: "undefined", f"{name}L": at}
    if quirk == "text_off":
        return {name: text_twin(at + 1005), f"{name}L": at}
    return {name: text_twin(at), f"{name}L": str(at) if quirk == "numbers_as_text" else at}


def _message(one: Conversation, message: Message) -> dict[str, Any]:
    sent_by = "Consumer" if message.kind == "consumer" else "Agent"
    if one.quirk == "sent_by_case":
        sent_by = sent_by.upper() if message.seq % 2 else sent_by.lower()
    text = f"{message.text} demo-text"
    record = {
        "type": "TEXT_PLAIN",
        "messageData": {"msg": {"text": text}},
        "messageId": f"ms::dialog:{one.conversation_id}::msg:{message.seq}",
        "seq": message.seq,
        "dialogId": one.conversation_id,
        "participantId": message.sender,
        "source": one.source,
        **_twins("time", message.at, one.quirk),
        "device": "undefined",
        "sentBy": sent_by,
        "audience": "AGENTS_AND_MANAGERS" if message.kind == "private" else "ALL",
    }
    if one.quirk == "no_audience" and message.kind != "private":
        del record["audience"]
    if message.kind == "bot":
        intent = {"id": text, "confidence": "HIGH", "confidenceScore": 0.753}
        record["contextData"] = {"structuredMetadata": [{"botResponse": {"intents": [intent]}}]}
        if message.seq % 5 == 4:
            record["type"] = "RICH_CONTENT"
            record["messageData"] = {"richContent": {"content": f'{{"type":"vertical","elements":["{text[-9:]}"]}}'}}
    return record


def _agent(one: Conversation, message: Message) -> dict[str, Any]:
    user_type, user_type_name = _USER_TYPES[message.kind]
    name = f"agent.{message.sender}@example.com"
    return {
        "agentFullName": f"Testperson {message.sender}",
        "agentNickname": name,
        "agentLoginName": name,
        "agentId": message.sender,
        "userType": int(user_type) if one.quirk == "text_undefined" else user_type,
        "userTypeName": user_type_name,
        "role": "AGENT",
        "agentGroupName": "Unassigned",
        "agentGroupId": -1,
        **_twins("time", message.at - 500, one.quirk),
        "permission": "ASSIGNED_AGENT",
        "dialogId": one.conversation_id,
    }


def _consumer(one: Conversation, at: int) -> dict[str, Any]:
    number = int(one.consumer[:4], 16)
    return {
        "participantId": one.consumer,
        "firstName": "Testperson",
        "lastName": f"Testperson-{number}",
        "token": "undefined",
        "email": f"consumer.{number}@example.com",
        "phone": f"+1-555-01{number % 100:02d}",
        "avatarURL": "undefined",
        **_twins("time", at, one.quirk),
        "consumerName": f"Testperson {number}",
        "dialogId": one.conversation_id,
    }


def _session(session: Session, is_over: bool) -> dict[str, Any]:
    """A session; an export taken before the conversation's end does not know yet that it became interactive."""
    interactive_at = session.interactive_at if is_over else None
    record: dict[str, Any] = {
        "sessionId": session.session_id,
        **_twins("startTime", session.started_at, ""),
        **_twins("endTime", session.ended_at, ""),
        "endReason": "AGENT",
        "duration": session.ended_at - session.started_at,
        "type": "inApp",
        "capabilities": ["CONSUMER_VIDEO_CONNECTION"],
        "agentId": session.agent_id,
        "interactive" if session.spelling == "interactive" else "isInteractive": interactive_at is not None,
    }
    if interactive_at is None:
        return record | {"interactiveTime": "undefined", "interactiveTimeL": -1}
    if session.spelling == "no_instant":
        return record
    if session.spelling == "undefined_instant":
        return record | {"interactiveTime": text_twin(interactive_at), "interactiveTimeL": "undefined"}
    return record | _twins("interactiveTime", interactive_at, "")


def record(one: Conversation, exported_at: int) -> dict[str, Any]:
    """The conversation as an export at that instant (epoch ms) has it: open, with fewer messages, or closed.

    A fact once exported is never told differently later, so that no two exports conflict (SPEC R12).
    """
    messages = [message for message in one.messages if message.at <= exported_at]
    is_over = one.ended_at <= exported_at
    started_at = one.messages[0].at - 1500
    status = "CLOSE" if is_over else "OPEN"
    agents: dict[str, Message] = {}
    if is_over or not one.agents_listed_late:
        for message in messages:
            if message.kind not in ("consumer", "unknown"):
                agents.setdefault(message.sender, message)
    latest = next((m.sender for m in reversed(messages) if m.kind != "consumer"), "-1")
    joined = [started_at, started_at + 60_000] if one.quirk == "rejoined" else [started_at]
    consumers = [] if one.quirk == "consumer_not_listed" else [_consumer(one, at) for at in joined]
    is_odd = int(one.conversation_id[0], 16) % 2 == 1
    end = _twins("endTime", one.ended_at, "") if is_over else {"endTime": "undefined", "endTimeL": -1}
    info = {
        **_twins("startTime", started_at, one.quirk),
        **end,
        "duration": (one.ended_at if is_over else exported_at) - started_at,
        "conversationId": one.conversation_id,
        "brandId": one.site.site_id,
        "latestAgentId": latest,
        "latestAgentNickname": f"agent.{latest}@example.com",
        "latestAgentFullName": f"Testperson {latest}",
        "latestSkillId": -1,
        "latestSkillName": "Unassigned",
        "source": one.source,
        "closeReason": "AGENT" if is_over else "undefined",
        "mcs": 67,
        "alertedMCS": 1,
        "status": status,
        "fullDialogStatus": status,
        "firstConversation": False,
        "device": "undefined",
        "latestQueueState": "ACTIVE",
        "isPartial": False,
    }
    if one.quirk == "source_in_messages":
        del info["source"]
    return {
        "info": info,
        "monitoring": {
            "country": "undefined",
            "device": "DESKTOP",
            "ipAddress": f"192.0.2.{int(one.consumer[:2], 16)}",
            "browser": "Chrome 66.0.3359.181",
            "operatingSystem": "WINDOWS",
        },
        "messageRecords": [_message(one, message) for message in messages],
        "agentParticipants": [_agent(one, message) for message in agents.values()],
        "consumerParticipant" if is_odd else "consumerParticipants": consumers,
        "messageScore" if is_odd else "messageScores": [],
        "messageStatuses": [
            {
                "messageId": f"ms::dialog:{one.conversation_id}::msg:{messages[0].seq}",
                "seq": messages[0].seq,
                **_twins("time", messages[0].at + 60, ""),
                "participantId": messages[0].sender,
                "participantType": "Agent",
                "messageDeliveryStatus": "ACCEPT",
                "dialogId": one.conversation_id,
            }
        ],
        "coBrowseSessions": {
            "coBrowseSessionsList": [_session(s, is_over) for s in one.sessions if s.started_at <= exported_at]
        },
        "sdes": {
            "events": [
                {
                    "sdeType": "PERSONAL_INFO",
                    "personalInfo": {"personalInfo": {"name": "Testperson", "contacts": [{"personalContact": {
                        "email": "sde@example.com", "phone": "+1-555-0199"}}]}},
                    "serverTimeStamp": str(started_at),
                }
            ]
        },
        "summary": {"text": "demo-text summary", "lastUpdatedTime": started_at},
    }  # fmt: skip
