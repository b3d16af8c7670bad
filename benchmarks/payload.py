"""The benchmark's month as landing files, in the format of the Messaging Interactions API, content included.

What belongs here: JSON by SQL, full-size: texts, names, addresses, statuses, all that a loader has to read past.
What does not: who writes when (shape). Files are written by DuckDB; a `.json` page is a hundred of its lines, framed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from benchmarks.shape import (
    ACCOUNTS,
    DAY_MS,
    DAYS,
    SITES,
    ZONES,
    Month,
    begins_ms,
    conversations_sql,
    export_sql,
    macros,
)

PAGE = 100  # records of a response page
FILE_MESSAGES = 120_000  # about 64 MB a .jsonl file
MESSAGING, FUNCTIONS, USERS = "messaging_interactions", "function_invocations", "platform_users"
LISTENING_SHARE = 3  # of 4 sites

TEXTS = (
    "Hi there, dear consumer! How can I help you today?",
    "I ordered two pairs of hiking boots last week and the parcel still has not arrived. Can you look where it is?",
    "Of course. Could you please give me the order number? It has ten digits and stands at the top of the e-mail.",
    "Thanks, one moment please while I look into this for you.",
    "ok",
    "The parcel left our warehouse on Tuesday and is now with the carrier. It should be with you tomorrow before noon; "
    "if it is not, write to us here and we will send the boots once more without any further questions asked.",
    "Great, thank you very much for your help!",
    "Is there anything else that I can do for you?",
    "No, that was all. Bye :)",
    "I would like to change the delivery address, we are moving next month and nobody will be at the old one.",
    "Please choose one of: 1) Track an order 2) Return an item 3) Opening hours 4) Talk to a person",
    "Your case number is 2026-1044817. You can answer to this conversation at any time.",
)


def _twin(milliseconds: str) -> str:
    return f"strftime(epoch_ms({milliseconds}), '%Y-%m-%d %H:%M:%S.%g+0000')"


def records_sql(conversations: str) -> str:
    """A query of conversation records, one struct a row, over a query of conversations (shape.export_sql)."""
    texts = "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in TEXTS) + "]"
    agent = """{
                'agentFullName': 'Testperson ' || agent.id, 'agentNickname': 'agent.' || agent.id || '@example.com',
                'agentLoginName': 'agent.' || agent.id || '@example.com', 'agentId': agent.id,
                'userType': agent.type, 'userTypeName': agent.type_name, 'role': 'AGENT',
                'agentGroupName': 'Unassigned', 'agentGroupId': -1, 'time': began, 'timeL': begins_ms,
                'permission': 'ASSIGNED_AGENT', 'dialogId': conversation_id
            }"""
    return f"""
with conversations as (
    {conversations}
),

told as (
    select
        *,
        {_twin("begins_ms")} as began,
        messages[len(messages)].at_ms as last_ms,
        ends_ms <= messages[len(messages)].at_ms + 60000 + 20000 as is_over,
        list_filter(
            [
                {{'kinds': ['human', 'private'], 'id': human_id, 'type': '1', 'type_name': 'Human'}},
                {{'kinds': ['bot'], 'id': bot_id, 'type': '2', 'type_name': 'Bot'}},
                {{'kinds': ['system'], 'id': system_id, 'type': '0', 'type_name': 'System'}}
            ],
            lambda agent: list_has_any(agent.kinds, list_transform(messages, lambda each: each.kind))
        ) as agents
    from conversations
)

select
    number,
    {{
        'startTime': began, 'startTimeL': begins_ms,
        'endTime': case when is_over then {_twin("ends_ms")} else 'undefined' end,
        'endTimeL': case when is_over then ends_ms else -1 end,
        'duration': last_ms - begins_ms, 'conversationId': conversation_id, 'brandId': site_id,
        'latestAgentId': human_id, 'latestAgentNickname': 'agent.' || human_id || '@example.com',
        'latestAgentFullName': 'Testperson ' || human_id, 'latestSkillId': -1, 'latestSkillName': 'Unassigned',
        'source': source, 'closeReason': case when is_over then 'AGENT' else 'undefined' end, 'mcs': 67,
        'alertedMCS': 1, 'status': case when is_over then 'CLOSE' else 'OPEN' end,
        'fullDialogStatus': case when is_over then 'CLOSE' else 'OPEN' end, 'firstConversation': false,
        'device': 'undefined', 'latestQueueState': 'ACTIVE', 'isPartial': false
    }} as info,
    {{
        'country': 'United States', 'countryCode': 'US', 'device': 'DESKTOP',
        'ipAddress': '192.0.2.' || number % 256, 'browser': 'Chrome 66.0.3359.181', 'operatingSystem': 'WINDOWS'
    }} as monitoring,
    list_transform(messages, lambda each: {{
        'type': 'TEXT_PLAIN',
        'messageData': {{'msg': {{'text': list_extract({texts}, 1 + each.dice % {len(TEXTS)})}}}},
        'messageId': 'ms::dialog:' || conversation_id || '::msg:' || each.place, 'seq': each.place,
        'dialogId': conversation_id,
        'participantId': case each.kind
            when 'consumer' then consumer_id when 'bot' then bot_id when 'system' then system_id else human_id end,
        'source': source, 'time': {_twin("each.at_ms")}, 'timeL': each.at_ms, 'device': 'undefined',
        'sentBy': case each.kind when 'consumer' then 'Consumer' else 'Agent' end,
        'audience': case each.kind when 'private' then 'AGENTS_AND_MANAGERS' else 'ALL' end
    }}) as messageRecords,
    list_transform(agents, lambda agent: {agent}) as agentParticipants,
    [{{
        'participantId': consumer_id, 'firstName': 'Testperson', 'lastName': 'Testperson-' || consumer,
        'token': 'undefined', 'email': 'consumer.' || consumer || '@example.com', 'phone': '+1-555-0100',
        'avatarURL': 'undefined', 'time': began, 'timeL': begins_ms, 'consumerName': 'Testperson ' || consumer,
        'dialogId': conversation_id
    }}] as consumerParticipants,
    list_transform(list_filter(messages, lambda each: each.place % 4 = 0), lambda each: {{
        'messageId': 'ms::dialog:' || conversation_id || '::msg:' || each.place, 'seq': each.place,
        'time': {_twin("each.at_ms + 60")}, 'timeL': each.at_ms + 60, 'participantId': human_id,
        'participantType': 'Agent', 'messageDeliveryStatus': 'ACCEPT', 'dialogId': conversation_id
    }}) as messageStatuses,
    {{
        'coBrowseSessionsList': case when roll(number, 21, 100) = 0 then [{{
            'sessionId': site_id || ':' || human_id || '__' || conversation_id || '_' || begins_ms,
            'startTime': {_twin("begins_ms + 20000")}, 'startTimeL': begins_ms + 20000,
            'interactiveTime': {_twin("begins_ms + 25000")}, 'interactiveTimeL': begins_ms + 25000,
            'endTime': {_twin("begins_ms + 99000")}, 'endTimeL': begins_ms + 99000, 'endReason': 'AGENT',
            'duration': 79000, 'type': 'inApp', 'capabilities': ['CONSUMER_VIDEO_CONNECTION'], 'agentId': human_id,
            'interactive': roll(number, 22, 10) < 6
        }}] else [] end
    }} as coBrowseSessions,
    {{
        'events': [{{
            'sdeType': 'PERSONAL_INFO',
            'personalInfo': {{'personalInfo': {{
                'name': 'Testperson',
                'contacts': [{{'personalContact': {{'email': 'sde@example.com', 'phone': '12345678'}}}}]
            }}}},
            'serverTimeStamp': cast(begins_ms as varchar)
        }}]
    }} as sdes,
    {{'text': 'summary of ' || conversation_id, 'lastUpdatedTime': last_ms}} as summary
from told
"""


class Writer:
    """Writes parts of one month into a landing folder."""

    def __init__(self, month: Month, landing: Path, threads: int = 2) -> None:
        self.month, self.landing = month, landing
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set preserve_insertion_order = false")
        self.connection.execute(macros(month))

    def close(self) -> None:
        """Give the connection back."""
        self.connection.close()

    def folder(self, feed: str) -> Path:
        """The feed's folder, made if need be."""
        path = self.landing / feed
        path.mkdir(parents=True, exist_ok=True)
        return path

    def lines(self, days: Sequence[int], only: str = "true", name: str = "export") -> None:
        """The exports of these days as .jsonl files, each in parts of about 64 MB."""
        parts = max(1, -(-self.month.messages // DAYS // FILE_MESSAGES))
        for day in days:
            for part in range(parts):
                mine = f"{only} and number % {parts} = {part}"
                self._copy(self.folder(MESSAGING) / f"{name}_{day + 1:02d}_{part:02d}.jsonl", day, mine)

    def _copy(self, path: Path, day: int, only: str) -> None:
        self._write(path, export_sql(self.month, day, only))

    def _write(self, path: Path, conversations: str) -> None:
        records = records_sql(conversations)
        self.connection.execute(
            f"copy (select * exclude (number) from ({records}) order by number) to '{path}' (format json)"
        )

    def pages(self, days: Sequence[int], only: str = "true") -> None:
        """The exports of these days as .json response pages of 100 records."""
        for day in days:
            whole = self.folder(MESSAGING) / f"day_{day + 1:02d}.lines"
            self._copy(whole, day, only)
            records = whole.read_bytes().splitlines()
            whole.unlink()
            for offset in range(0, len(records), PAGE):
                address = f"/messaging_history/api/account/40000000/conversations/search?source={day + 1}&limit={PAGE}"
                head = (
                    f'{{"_metadata":{{"count":{len(records)},"self":{{"rel":"self","href":"{address}&offset={offset}"}},'
                    '"shardsStatusResult":{"partialResult":false}},"conversationHistoryRecords":['
                )
                page = head.encode() + b",".join(records[offset : offset + PAGE]) + b"]}"
                (self.folder(MESSAGING) / f"page_{day + 1:02d}_{offset:07d}.json").write_bytes(page)

    def whole_month(self, name: str) -> None:
        """All conversations of the month as far as they are at its end, in one .jsonl file."""
        until_ms = begins_ms() + DAYS * DAY_MS
        query = conversations_sql(self.month, (0, self.month.conversations), until_ms)
        self._write(self.folder(MESSAGING) / f"{name}.jsonl", query)

    def others(self) -> None:
        """Functions invocations (a .jsonl file a day), platform users and the reference files."""
        self.invocations()
        self.users()
        self.reference()

    def invocations(self) -> None:
        """Functions invocations, a .jsonl file a day."""
        total = self.month.invocations
        for day in range(DAYS):
            begin, end = total * day // DAYS, total * (day + 1) // DAYS
            self.connection.execute(f"""
                copy (
                    select
                        site_id(site_of(number)) as "accountId",
                        uuid_of(roll(number, 31, 40), 'function') as "functionUuid",
                        uuid_of(number, 'invocation') as "invocationId",
                        {begins_ms() + day * 86_400_000} + roll(number, 32, 86400000) as "timestampL",
                        list_extract(['EVENT', 'EVENT', 'DIRECT', 'EXTERNAL', 'SCHEDULE', 'MANUAL_TEST'],
                            1 + roll(number, 33, 6)) as "trigger",
                        'conversational-cloud-event' as "eventId",
                        case when roll(number, 34, 50) = 0 then 'FAILED' else 'SUCCEEDED' end as "state",
                        1 + roll(number, 35, 400) as "count"
                    from range({begin}, {end}) as numbers(number)
                ) to '{self.folder(FUNCTIONS)}/functions_{day + 1:02d}.jsonl' (format json)""")

    def users(self) -> None:
        """A snapshot of the platform users of every site."""
        self.connection.execute(f"""
            copy (
                select
                    site_id(site) as "accountId", {begins_ms()} as "snapshotTimeL",
                    list_transform(list_concat(range(20), [500, 501, 502]), lambda place: {{
                        'id': agent_id(site, place), 'pid': 'pid', 'deleted': false,
                        'loginName': 'agent.' || agent_id(site, place) || '@example.com',
                        'fullName': 'Testperson', 'nickname': 'Testperson', 'email': 'agent@example.com',
                        'userTypeId': case when place < 500 then 1 else 2 end, 'isApiUser': false, 'isEnabled': true,
                        'maxChats': 0, 'profileIds': [2]
                    }}) as users
                from range({SITES}) as sites(site)
            ) to '{self.folder(USERS)}/users.jsonl' (format json)""")

    def reference(self) -> None:
        """accounts.csv, sites.csv and contracts.csv."""
        zones = "[" + ", ".join(f"'{zone}'" for zone in ZONES) + "]"
        tables = {
            "accounts": f"""
                select
                    'account-' || account as account_id, 'Account ' || account as account_name,
                    'USD' as currency_code
                from range({ACCOUNTS}) as accounts(account)""",
            "sites": f"""
                select
                    site_id(site) as site_id, 'account-' || site % {ACCOUNTS} as account_id,
                    list_extract({zones}, 1 + site % {len(ZONES)}) as time_zone,
                    site % 4 < {LISTENING_SHARE} as listening_enabled, '2026-01-01T00:00:00Z' as effective_at
                from range({SITES}) as sites(site)""",
            "contracts": f"""
                select
                    'contract-' || account as contract_id, 'account-' || account as account_id,
                    'starter' as rate_plan_id, '2026-01-01' as starts_on, null as ends_on,
                    'charge' as functions_over_cap
                from range({ACCOUNTS}) as accounts(account)""",
        }
        for name, query in tables.items():
            self.connection.execute(f"copy ({query}) to '{self.folder('reference')}/{name}.csv' (format csv, header)")
