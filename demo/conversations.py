"""What happens on a site: conversations planned so that a month has exactly the relationships its site states.

A month is filled conversation by conversation until so many (consumer, local date) pairs are active. Automatic and
private messages are strewn over it, some on dates on which nobody else writes: they must not count (SPEC R1).
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from demo.accounts import Site
from demo.clock import HOUR, MINUTE, Dice, epoch_ms

FIRST_DATES = tuple(date(2026, 3, day) for day in range(1, 32))
SECOND_DATES = tuple(date(2026, 4, day) for day in range(1, 20))
DAY = timedelta(days=1)

# Who writes on a date, in order: Consumer, Bot, Human. Together they give all seven compositions (SPEC R5).
OPENING = ("C", "CB", "CB", "CBC", "CBCB", "CH", "CH", "CHC", "CHCH", "CBH", "CBHC", "CBHCH")
OUTBOUND = ("B", "B", "B", "BC", "BCH", "H", "BH")
FOLLOWING = ("C", "H", "H", "CH", "HC", "B", "BH", "CB", "CBH", "CHC")
# What exports really look like: see payload.py for what each does to a record.
NEVER_CLOSED_SITE, NEVER_CLOSED_AT = "himal-np", "2026-06-01T00:00:00Z"
QUIRKS = (
    "rejoined", "consumer_not_listed", "source_in_messages", "text_only", "text_undefined", "text_off",
    "numbers_as_text", "sent_by_case", "no_audience",
)  # fmt: skip
TEXTS = (
    "Where is my order?", "Kann ich das umtauschen?", "Merci, c'est parfait", "予約を変更", "नमस्ते", "Thank you!",
    'She said "call back" — really', "¿Está abierto hoy?", "The 45-minute zone, please", "One moment",
)  # fmt: skip


@dataclass(frozen=True)
class Message:
    """One message; kind is consumer, human, bot, system, private (human to colleagues) or unknown (never listed)."""

    at: int
    kind: str
    sender: str
    text: str
    seq: int = 0


@dataclass(frozen=True)
class Session:
    """One Co-Browse session; `interactive_at` None: it never became interactive."""

    session_id: str
    started_at: int
    interactive_at: int | None
    ended_at: int
    spelling: str
    agent_id: str


@dataclass
class Conversation:
    """One conversation from its first message to its end."""

    site: Site
    conversation_id: str
    consumer: str
    source: str
    messages: list[Message]
    ended_at: int
    quirk: str = ""
    dates: tuple[date, ...] = ()
    sessions: list[Session] = field(default_factory=list)
    agents_listed_late: bool = False  # agents are listed only in the export after the end


class _Month:
    """Fills one month of one site."""

    def __init__(self, site: Site, dates: tuple[date, ...], target: int, dice: Dice) -> None:
        self.site, self.dates, self.target, self.dice = site, dates, target, dice
        self.consumers = [dice.uuid() for _ in range(max(20, target * 2 // 5))]
        self.active: set[tuple[str, date]] = set()
        self.conversations: list[Conversation] = []

    def fill(self) -> list[Conversation]:
        """Conversations with exactly `target` active (consumer, date) pairs."""
        for at in _offset_changes(self.site, self.dates):
            self._add_around(at)
        while len(self.active) < self.target:
            start = self.dice.below(len(self.dates))
            if self.dates[start].weekday() > 4 and self.dice.chance(45):
                continue
            length = self.dice.pick((1, 1, 1, 1, 1, 1, 2, 2, 2, 3))
            self._add(self.dice.pick(self.consumers), self.dates[start : start + length])
        return self.conversations

    def _add(self, consumer: str, dates: tuple[date, ...]) -> None:
        new = [(consumer, day) for day in dates if (consumer, day) not in self.active]
        if len(self.active) + len(new) > self.target:
            return
        self.active.update(new)
        # A second conversation of a busy consumer goes over another channel.
        source = self.dice.pick(self.site.sources) if len(new) == len(dates) else "SMS"
        self.conversations.append(plan(self.site, consumer, source, dates, self.dice))

    def _add_around(self, at: int) -> None:
        """A conversation with messages on both sides of a change of the clock or of the zone."""
        instants = (at - 90_000, at - 1, at, at + 30_000)
        consumer, human = self.consumers.pop(), self.dice.pick(self.site.humans())
        senders = (("consumer", consumer), ("human", human)) * 2
        messages = [
            Message(instant, kind, sender, self.dice.pick(TEXTS), seq)
            for seq, (instant, (kind, sender)) in enumerate(zip(instants, senders, strict=True))
        ]
        dates = tuple(sorted({self.site.date(instant) for instant in instants}))
        self.active.update((consumer, day) for day in dates)
        self.conversations.append(
            Conversation(self.site, self.dice.uuid(), consumer, "SHARK", messages, at + 2 * HOUR, dates=dates)
        )


def _offset_changes(site: Site, dates: tuple[date, ...]) -> list[int]:
    """Instants on these dates at which the site's offset from UTC changes."""
    first, last = (epoch_ms(f"{day}T12:00:00Z") for day in (dates[0], dates[-1]))
    changes, before = [], site.local(first).utcoffset()
    for at in range(first, last, 30 * MINUTE):
        now = site.local(at).utcoffset()
        if now != before:
            changes.append(at)
        before = now
    return changes


def plan(site: Site, consumer: str, source: str, dates: tuple[date, ...], dice: Dice) -> Conversation:
    """A conversation that is active on exactly these local dates."""
    over_midnight = len(dates) > 1 and dice.chance(30)
    clock = time(dice.between(8, 20), dice.below(60), dice.below(60))
    people = {"C": ("consumer", consumer), "B": ("bot", dice.pick(site.bots())), "H": _human(site, dice)}
    messages: list[Message] = []
    seq = 0

    def say(kind: str, sender: str, local: datetime) -> None:
        nonlocal seq
        seq += 1 + dice.chance(20)  # statuses take numbers too: holes
        messages.append(Message(site.instant(local) + dice.below(1000), kind, sender, dice.pick(TEXTS), seq - 1))

    for place, day in enumerate(dates):
        script = dice.pick(FOLLOWING if place else OUTBOUND if source == "SMS" and dice.chance(60) else OPENING)
        if over_midnight and place < 2:
            local, step = datetime.combine(day, time(0, 2) if place else time(23, 48)), 90
        else:
            local, step = datetime.combine(day, clock), 600
        for letter in script:
            say(*people[letter], local)
            local += timedelta(seconds=dice.between(15, step))
            if letter == "H" and dice.chance(4):
                say("private", people["H"][1], local)
                local += timedelta(seconds=5)
        if not place and dice.chance(10):
            say("system", site.system(), local)
    # Open, and touched by nobody who counts, on the date after: no DAR (SPEC R1, R4).
    after = datetime.combine(dates[-1] + DAY, time(9, 30))
    if dice.chance(5):
        say(*(("private", people["H"][1]) if dice.chance(30) else ("system", site.system())), after)

    messages.sort(key=lambda message: message.at)
    conversation = Conversation(
        site, dice.uuid(), consumer, source, messages, messages[-1].at + dice.between(20, 900) * MINUTE, dates=dates
    )
    if dice.chance(5):
        quirk = dice.pick(QUIRKS)
        if quirk != "consumer_not_listed" or messages[0].kind == "consumer":
            conversation.quirk = quirk
    if site.site_id == NEVER_CLOSED_SITE and dice.chance(2):
        conversation.ended_at = epoch_ms(NEVER_CLOSED_AT)
    conversation.agents_listed_late = dice.chance(3)
    human = next((message for message in messages if message.kind == "human"), None)
    if human and source in ("SHARK", "APP") and dice.chance(7):
        conversation.sessions = _sessions(human, dice)
    return conversation


def _human(site: Site, dice: Dice) -> tuple[str, str]:
    return ("unknown", str(4_199_000_000 + site.number)) if dice.chance(1) else ("human", dice.pick(site.humans()))


def _sessions(human: Message, dice: Dice) -> list[Session]:
    """One or two sessions that start while the human writes; one in four never becomes interactive."""
    sessions = []
    for _ in range(dice.pick((1, 1, 1, 2))):
        started_at = human.at + dice.between(5, 50) * 1000
        interactive_at = None if dice.chance(25) else started_at + dice.between(1, 8) * 1000
        session_id = f"{human.sender}__{dice.uuid()}_{started_at}"
        spelling = dice.pick(("isInteractive", "interactive", "no_instant", "undefined_instant"))
        sessions.append(Session(session_id, started_at, interactive_at, started_at + 80_000, spelling, human.sender))
    return sessions


def of_site(site: Site) -> list[Conversation]:
    """All conversations of a site, in the order of their first message."""
    first = _Month(site, FIRST_DATES, site.relationships[0], Dice(site.site_id, "first")).fill()
    second_month = _Month(site, SECOND_DATES, site.relationships[1], Dice(site.site_id, "second"))
    dice = Dice(site.site_id, "over the month's end")
    for conversation in first:
        if conversation.dates[-1] == FIRST_DATES[-1] and not conversation.sessions and dice.chance(30):
            _go_on(conversation, SECOND_DATES[0], dice)
            second_month.active.add((conversation.consumer, SECOND_DATES[0]))
    conversations = first + second_month.fill()
    return sorted(conversations, key=lambda one: (one.messages[0].at, one.conversation_id))


def _go_on(conversation: Conversation, day: date, dice: Dice) -> None:
    """The consumer writes again on a later date."""
    last = conversation.messages[-1]
    at = max(conversation.site.instant(datetime.combine(day, time(8, dice.below(60)))), last.at + MINUTE)
    seq = max(message.seq for message in conversation.messages) + 1
    conversation.messages.append(Message(at, "consumer", conversation.consumer, "Still there?", seq))
    conversation.dates += (day,)
    conversation.ended_at = at + dice.between(20, 900) * MINUTE


def late(site: Site, new: int, grown: int) -> list[Conversation]:
    """What arrives after the close: conversations, new or gone on, each with one new DAR of the first period."""
    dice = Dice(site.site_id, "late")
    conversations = [plan(site, dice.uuid(), "SHARK", (dice.pick(FIRST_DATES[3:28]),), dice) for _ in range(new)]
    known = of_site(site)
    active = {(one.consumer, day) for one in known for day in one.dates}
    candidates = [
        one
        for one in known
        if len(one.dates) == 1 and one.dates[0] < FIRST_DATES[20] and not one.sessions and not one.quirk
        and (one.consumer, one.dates[0] + DAY) not in active
        and one.messages[-1].at < one.site.instant(datetime.combine(one.dates[0] + DAY, time(0)))
    ]  # fmt: skip
    for conversation in candidates[:grown]:
        _go_on(conversation, conversation.dates[0] + DAY, dice)
        conversations.append(conversation)
    return conversations
