"""What the benchmark's month looks like: conversations and their messages as SQL, the same for the same size.

What belongs here: who writes to whom, when, and which export carries it. What does not: the payload's format (payload),
raw tables (raw). Every choice is `hash(number, salt)` of the conversation's number, so a part of the month can be made
alone and is the same as in the whole.

A month has conversations of 2 to 18 messages, 10 on average, on SITES sites over ZONES. Each UTC day has an export:
the conversations with a message on that day, as far as they are at its end. A conversation that goes on after midnight
(about 5 in 100) so arrives again, whole, in the next day's export, as the API delivers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

BEGINS = datetime(2026, 9, 1, tzinfo=UTC)
PERIOD, NEXT_PERIOD = "2026-09", "2026-10"
AS_OF = "2026-10-12T12:00:00Z"
DAYS = 30
LONGEST_DAYS = 6  # 18 messages, 8 hours apart
DAY_MS = 86_400_000
SITES, ACCOUNTS = 300, 60
MESSAGES_A_CONVERSATION = 10
ZONES = (
    "America/Anchorage", "America/Chicago", "America/Los_Angeles", "America/New_York", "America/Santiago",
    "America/Sao_Paulo", "America/St_Johns", "Asia/Dubai", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Adelaide", "Australia/Sydney", "Europe/Berlin", "Europe/London", "Europe/Madrid",
    "Europe/Istanbul", "Pacific/Auckland", "Pacific/Honolulu",
)  # fmt: skip
SOURCES = ("SHARK", "SHARK", "SHARK", "SHARK", "SMS", "SMS", "FACEBOOK", "EMAIL", "WHATSAPP", "APP")


@dataclass(frozen=True)
class Month:
    """A month of about so many messages."""

    messages: int
    seed: int = 1

    @property
    def conversations(self) -> int:
        """How many conversations begin in the month."""
        return max(self.messages // MESSAGES_A_CONVERSATION, DAYS)

    @property
    def consumers(self) -> int:
        """How many consumers there are: each opens 1.6 conversations on average."""
        return max(self.conversations * 5 // 8, SITES)

    @property
    def invocations(self) -> int:
        """How many Functions invocation records there are."""
        return self.messages // 20

    def numbers(self, day: int) -> tuple[int, int]:
        """The numbers of the conversations that begin on a day (from 0), end excluded."""
        return -(-self.conversations * day // DAYS), -(-self.conversations * (day + 1) // DAYS)


def begins_ms() -> int:
    """The month's first instant in epoch milliseconds."""
    return int(BEGINS.timestamp()) * 1000


def macros(month: Month) -> str:
    """The SQL macros that everything is made with: a roll of the dice, ids, sites."""
    return f"""
create or replace macro roll(number, salt, sides) as
    cast(hash(number * 64 + salt + {month.seed} * 1000003) % cast(sides as ubigint) as bigint);
create or replace macro uuid_of(number, salt) as
    cast(cast(md5(number || ':' || salt || ':{month.seed}') as uuid) as varchar);
-- A few sites are large and most are small.
create or replace macro site_of(consumer) as
    cast(floor({SITES} * power(roll(consumer, 1, 1000000) / 1000000.0, 2)) as bigint);
create or replace macro site_id(site) as cast(40000000 + site * 7919 as varchar);
create or replace macro agent_id(site, place) as cast(4100000000 + site * 1000 + place as varchar);
"""


def export_sql(month: Month, day: int, only: str = "true") -> str:
    """A query of what the export of a day (from 0) holds: conversations with a message on that UTC day.

    One row per conversation: number, site, ids, source and `messages`, a list of (place, at_ms, dice, kind) up to the
    day's end; kinds are consumer, human, bot, system and private. `only` is a condition on `number`.
    """
    since_ms, until_ms = begins_ms() + day * DAY_MS, begins_ms() + (day + 1) * DAY_MS
    numbers = month.numbers(max(day - LONGEST_DAYS, 0))[0], month.numbers(day)[1]
    went_on = f"len(list_filter(messages, lambda each: each.at_ms >= {since_ms})) > 0"
    # What cannot reach into the day is left out before any message is made.
    reach = f"begins_ms + size * gap_ms >= {since_ms}"
    return conversations_sql(month, numbers, until_ms, only, reach, went_on)


def conversations_sql(
    month: Month, numbers: tuple[int, int], until_ms: int, only: str = "true", reach: str = "true", kept: str = "true"
) -> str:
    """A query of the conversations with these numbers as an export at `until_ms` (epoch ms, excluded) has them."""
    sources = "[" + ", ".join(f"'{source}'" for source in SOURCES) + "]"
    return f"""
with numbered as (
    select
        number,
        roll(number, 10, {month.consumers}) as consumer,
        2 + roll(number, 11, 17) as size,
        {begins_ms()} + cast(number as bigint) * {DAYS} // {month.conversations} * {DAY_MS} as day_ms,
        -- 93 in 100 are answered at once, 6 within the hour, 1 over days.
        case when roll(number, 12, 100) < 93 then 30000 + roll(number, 13, 170000)
            when roll(number, 12, 100) < 99 then 600000 + roll(number, 13, 2400000)
            else 7200000 + roll(number, 13, 21600000) end as gap_ms,
        roll(number, 14, 100) as manner
    from range({numbers[0]}, {numbers[1]}) as numbers(number)
    where {only}
),

placed as (
    select
        *,
        site_of(consumer) as site,
        day_ms + roll(number, 15, {DAY_MS}) as begins_ms
    from numbered
),

reaching as (
    select * from placed
    where {reach}
),

written as (
    select
        number, consumer, site, begins_ms, size, manner,
        site_id(site) as site_id,
        uuid_of(number, 'conversation') as conversation_id,
        uuid_of(consumer, 'consumer') as consumer_id,
        list_extract({sources}, 1 + roll(number, 16, {len(SOURCES)})) as source,
        agent_id(site, roll(number, 17, 20)) as human_id,
        agent_id(site, 500 + roll(number, 18, 3)) as bot_id,
        agent_id(site, 900) as system_id,
        begins_ms + (size - 1) * gap_ms + 60000 as ends_ms,
        list_transform(range(size), lambda place: {{
            'place': place,
            'at_ms': begins_ms + place * gap_ms + roll(number * 20 + place, 19, 20000),
            'dice': roll(number * 20 + place, 20, 100)
        }}) as thrown
    from reaching
),

-- 3 in 100 conversations are the brand's alone; most are a bot's first and a person's then.
spoken as (
    select
        * exclude (thrown),
        list_transform(list_filter(thrown, lambda each: each.at_ms < {until_ms}), lambda each: {{
            'place': each.place,
            'at_ms': each.at_ms,
            'dice': each.dice,
            'kind': case
                when manner >= 3 and (each.place = 0 or each.dice < 45) then 'consumer'
                when each.dice > 96 then 'system'
                when each.place < 3 or manner > 90 then 'bot'
                when each.dice = 96 then 'private'
                else 'human'
            end
        }}) as messages
    from written
)

select * from spoken
where len(messages) > 0 and {kept}
"""
