"""From records to usage (SPEC section 2): one function per rule, row by row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from .arithmetic import months, next_month, rounded
from .reading import (
    FUNCTIONS,
    MESSAGING,
    USERS,
    AgentListing,
    Charge,
    Contract,
    Conversation,
    Invocation,
    Message,
    Place,
    Policy,
    Reading,
    Rejected,
    Session,
    Snapshot,
)
from .zones import SiteCalendar

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)
KIND_OF_USER_TYPE = {0: "system", 1: "human", 2: "bot"}
DEFAULT_LISTENING_CREDIT = Fraction(1, 5)
Row = dict[str, Any]


@dataclass
class Usage:
    """The usage marts of SPEC section 7 as rows, and what rating needs of them."""

    dar: list[Row] = field(default_factory=list)
    channel_credits: list[Row] = field(default_factory=list)
    listening_credits: list[Row] = field(default_factory=list)
    cobrowse_sessions: list[Row] = field(default_factory=list)
    function_invocations: list[Row] = field(default_factory=list)
    platform_users: list[Row] = field(default_factory=list)
    daily_usage: list[Row] = field(default_factory=list)
    unrated: list[Row] = field(default_factory=list)
    conflicts: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    records: dict[str, Counter[str]] = field(default_factory=dict)  # C6: feed -> received, counted, ...
    rated: dict[tuple[str, str, str, date], Fraction] = field(default_factory=dict)  # contract, site, meter, date
    peak_users: dict[tuple[str, date], dict[str, int]] = field(default_factory=dict)  # contract, period -> site
    active_agents: set[tuple[str, str, date]] = field(default_factory=set)  # site, agent, activity date


@dataclass(frozen=True)
class Counted:
    """A counted message: the winner of its key, with its relationship, kind and activity date."""

    site_id: str
    conversation_id: str
    message_id: str
    relationship_id: str
    instant: datetime
    day: date
    kind: str  # consumer, human (unknown included), bot
    source: str | None


class Calendar:
    """Sites, contracts and terms on site-local dates."""

    def __init__(self, reading: Reading, policy: Policy) -> None:
        self.policy = policy
        self.sites = {site_id: SiteCalendar(rows) for site_id, rows in reading.sites.items()}
        self.contracts = {contract.contract_id: contract for contract in reading.contracts}
        self._by_account: dict[str, list[Contract]] = defaultdict(list)
        for contract in reading.contracts:
            self._by_account[contract.account_id].append(contract)
        self._of: dict[tuple[str, date], Contract | None] = {}

    def contract_of(self, site_id: str, day: date) -> Contract | None:
        """R6: the contract, on that date, of the account in force at the first instant that carries the date."""
        key = (site_id, day)
        if key not in self._of:
            row = self.sites[site_id].row_of(day)
            in_force = [c for c in self._by_account[row.account_id] if c.covers(day)] if row else []
            self._of[key] = in_force[0] if in_force else None
        return self._of[key]

    def sites_of(self, contract: Contract, days: Iterable[date]) -> set[str]:
        """P1: the sites that a contract has on any of the dates."""
        dates = list(days)
        candidates = [
            site_id
            for site_id, site in self.sites.items()
            if any(row.account_id == contract.account_id for row in site.rows)
        ]
        return {s for s in candidates if any(self.contract_of(s, day) == contract for day in dates)}

    def charges(self, contract: Contract, meter: str, day: date) -> list[Charge]:
        """The charges of the contract's plan for a meter that have a term on the date, by charge id."""
        return sorted(
            (
                charge
                for charge in self.policy.charges
                if charge.rate_plan_id == contract.rate_plan_id and charge.meter == meter and charge.covers(day)
            ),
            key=lambda charge: charge.charge_id,
        )


# --- plausibility ------------------------------------------------------------------------------------------------


def is_plausible(instant: datetime | None, as_of: datetime) -> bool:
    """INPUTS: from 2000-01-01 to one day after LEDGER_AS_OF, both included."""
    return instant is not None and EARLIEST <= instant <= as_of + timedelta(days=1)


def refusal(site_id: str, instant: datetime | None, sites: Iterable[str], as_of: datetime) -> str | None:
    """The reason why a record takes no part, or None."""
    if site_id not in sites:
        return "unknown_site"
    if instant is None:
        return "missing_instant"
    return None if is_plausible(instant, as_of) else "implausible_instant"


# --- R1, R3: who -----------------------------------------------------------------------------------------------


def agent_kinds(copies: Sequence[Conversation]) -> dict[str, str]:
    """R1: of the listings in any copy the last by (timeL, userType), a missing timeL first."""
    last: dict[str, AgentListing] = {}

    def order(listing: AgentListing) -> tuple[bool, datetime, int]:
        return listing.listed is not None, listing.listed or NEVER, listing.user_type

    for copy in copies:
        for listing in copy.agents:
            if listing.agent_id not in last or order(listing) > order(last[listing.agent_id]):
                last[listing.agent_id] = listing
    return {agent_id: KIND_OF_USER_TYPE[listing.user_type] for agent_id, listing in last.items()}


def conversation_consumer(copies: Sequence[Conversation], usable: Sequence[Message]) -> str | None:
    """R3: the consumer with the smallest (timeL, participantId) over all copies, a missing timeL last.

    Only where no copy lists a consumer: likewise among the senders of (not rejected) consumer messages.
    """
    listed = [(c.listed is None, c.listed or NEVER, c.participant_id) for copy in copies for c in copy.consumers]
    if not listed:
        listed = [
            (False, message.instant or NEVER, message.participant_id)
            for message in usable
            if message.side == "consumer" and message.participant_id is not None
        ]
    return min(listed)[2] if listed else None


def sender_kind(message: Message, kinds: dict[str, str]) -> str:
    """R1: consumer, human, bot, system or unknown (an agent listed nowhere)."""
    return "consumer" if message.side == "consumer" else kinds.get(message.participant_id or "", "unknown")


def not_counted_reason(message: Message, kind: str, policy: Policy) -> str | None:
    """R1: the audience excludes the consumer, or the sender's kind does not count; None: it counts."""
    if not policy.audience_reaches_consumer.get(message.audience or "", True):
        return "audience"
    return None if policy.kind_counts.get(kind, kind != "system") else f"sender_{kind}"


# --- R12: once for ever -------------------------------------------------------------------------------------------


def copy_rank(copy: Conversation, as_of: datetime) -> tuple[datetime, int, Place]:
    """R12: later last plausible message, then more messages, then last path, then later place.

    Rejected messages take no part: neither as the last one nor in the number.
    """
    usable = [m.instant for m in copy.messages if m.side and m.instant and is_plausible(m.instant, as_of)]
    return max(usable, default=NEVER), len(usable), copy.place


def differ(values: Iterable[Any]) -> bool:
    """R12: copies differ in a value; one that a copy lacks is no difference."""
    return len({value for value in values if value is not None}) > 1


def channel_or_source(source: str | None, policy: Policy) -> str | None:
    """What R12 compares as channel: the mapped channel; a source that no row maps stands for itself."""
    return None if source is None else policy.channels.get(source, f"unmapped {source}")


def meter_conversation(
    copies: Sequence[Conversation], calendar: Calendar, as_of: datetime, usage: Usage, tally: Counter[str]
) -> list[Counted]:
    """All copies of one conversation: its counted messages (R1, R3, R12); rejects and conflicts go to usage."""
    policy = calendar.policy
    site_id, conversation_id = copies[0].site_id, copies[0].conversation_id
    usable: list[tuple[Conversation, Message]] = []

    def reject(message: Message, reason: str) -> None:
        tally["rejected"] += 1
        usage.rejected.append(Rejected(MESSAGING, message.place.path, message.place.line, reason))

    for copy in copies:
        for message in copy.messages:
            reason = refusal(site_id, message.instant, calendar.sites, as_of)
            if reason is None and message.side is None:
                reason = "unknown_sender_side"
            if reason:
                reject(message, reason)
            else:
                usable.append((copy, message))

    kinds = agent_kinds(copies)
    consumer = conversation_consumer(copies, [message for _, message in usable])

    def relationship(message: Message) -> str | None:
        return message.participant_id or consumer if message.side == "consumer" else consumer

    by_key: dict[str, list[tuple[Conversation, Message]]] = defaultdict(list)
    for copy, message in usable:
        counts = not_counted_reason(message, sender_kind(message, kinds), policy) is None
        if relationship(message) is None and counts:
            reject(message, "no_consumer")
        else:
            by_key[message.message_id].append((copy, message))

    counted = []
    for message_id, candidates in by_key.items():
        copy, winner = max(candidates, key=lambda found: (copy_rank(found[0], as_of), found[1].place))
        tally["other_copies"] += len(candidates) - 1
        if (
            # A consumer message without its own participant id lacks the value; the fallback is no value of its own.
            differ(m.participant_id if m.side == "consumer" else consumer for _, m in candidates)
            or differ(m.instant for _, m in candidates)
            or differ(m.side for _, m in candidates)
            or differ(channel_or_source(c.source or m.source, policy) for c, m in candidates)
        ):
            usage.conflicts.append(
                conflict(MESSAGING, (site_id, conversation_id, message_id), len(candidates), winner.place)
            )
        kind = sender_kind(winner, kinds)
        if not_counted_reason(winner, kind, policy):
            tally["not_counted"] += 1
            continue
        tally["counted"] += 1
        assert winner.instant is not None
        day = calendar.sites[site_id].date_at(winner.instant)
        if winner.side == "agent" and kind in ("human", "bot"):
            usage.active_agents.add((site_id, winner.participant_id or "", day))
        counted.append(
            Counted(
                site_id,
                conversation_id,
                message_id,
                relationship(winner) or "",
                winner.instant,
                day,
                {"unknown": "human", "system": "bot"}.get(kind, kind),
                copy.source or winner.source,
            )
        )
    return counted


def conflict(feed: str, key: tuple[str, ...], copies: int, winner: Place) -> Row:
    """A row of quality.fct_conflicts; the key's form is the warehouse's own affair."""
    return {"feed": feed, "key": key, "copies": copies, "winner_file": winner.path}


# --- R3 to R8: relationships -----------------------------------------------------------------------------------


def composition(kinds: set[str]) -> str:
    """R5: exactly one of seven."""
    names = [kind for kind in ("human", "bot", "consumer") if kind in kinds]
    return names[0] + "_only" if len(names) == 1 else "_".join(names)


def daily_active_relationships(counted: Iterable[Counted]) -> list[Row]:
    """R3, R4: one row per (site, relationship, activity date)."""
    groups: dict[tuple[str, str, date], list[Counted]] = defaultdict(list)
    for message in counted:
        groups[message.site_id, message.relationship_id, message.day].append(message)
    rows = []
    for (site_id, relationship_id, day), messages in sorted(groups.items()):
        kinds = Counter(message.kind for message in messages)
        evidence = min(messages, key=lambda m: (m.instant, m.conversation_id, m.message_id))
        rows.append(
            {
                "site_id": site_id,
                "relationship_id": relationship_id,
                "activity_date": day,
                "composition": composition(set(kinds)),
                "consumer_messages": kinds["consumer"],
                "human_messages": kinds["human"],
                "bot_messages": kinds["bot"],
                "conversations": len({message.conversation_id for message in messages}),
                "first_message_at": min(message.instant for message in messages),
                "last_message_at": max(message.instant for message in messages),
                "evidence_conversation_id": evidence.conversation_id,
                "evidence_message_id": evidence.message_id,
            }
        )
    return rows


def channel_credits(counted: Iterable[Counted], calendar: Calendar) -> tuple[list[Row], Counter[tuple[str, date]]]:
    """R7: one row per (DAR, channel); and, per (site, date), the DARs' sources that no row maps."""
    policy = calendar.policy
    channels: set[tuple[str, str, date, str]] = set()
    unmapped: set[tuple[str, str, date, str | None]] = set()
    for m in counted:
        if m.source is not None and m.source in policy.channels:
            channels.add((m.site_id, m.relationship_id, m.day, policy.channels[m.source]))
        else:
            unmapped.add((m.site_id, m.relationship_id, m.day, m.source))
    rows = []
    for site_id, relationship_id, day, channel in sorted(channels):
        contract = calendar.contract_of(site_id, day)
        is_listed = contract is not None and (contract.rate_plan_id, channel) in policy.plan_channels
        rows.append(
            {
                "site_id": site_id,
                "relationship_id": relationship_id,
                "activity_date": day,
                "channel": channel,
                "is_listed": is_listed,
                "credits": Fraction(1 if is_listed or contract is None else 0),
            }
        )
    return rows, Counter((site_id, day) for site_id, _, day, _ in unmapped)


def listening_credit(contract: Contract | None, day: date, calendar: Calendar) -> Fraction:
    """R8: credits_per_block / block_size of the plan's (first) listening charge; 0.2 without one."""
    for charge in calendar.charges(contract, "listening", day) if contract else []:
        if charge.credits_per_block is not None:
            return rounded(charge.credits_per_block / charge.block_size, 6)
    return DEFAULT_LISTENING_CREDIT


def listening_credits(counted: Sequence[Counted], calendar: Calendar) -> list[Row]:
    """R8: one row per (conversation, DAR) in which the consumer wrote while listening was on."""
    first: dict[tuple[str, str, date], datetime] = {}  # any sender, any relationship of the conversation
    listened: dict[tuple[str, str, date], set[str]] = defaultdict(set)  # DAR -> conversations
    for m in counted:
        conversation = (m.site_id, m.conversation_id, m.day)
        first[conversation] = min(m.instant, first.get(conversation, m.instant))
        if m.kind == "consumer" and calendar.sites[m.site_id].row_at(m.instant).listening_enabled:
            listened[m.site_id, m.relationship_id, m.day].add(m.conversation_id)
    rows = []
    for (site_id, relationship_id, day), conversations in sorted(listened.items()):
        contract = calendar.contract_of(site_id, day)
        grain = calendar.policy.plans[contract.rate_plan_id].listening_grain if contract else "dar"
        in_order = sorted(conversations, key=lambda c, s=site_id, d=day: (first[s, c, d], c))
        for place, conversation_id in enumerate(in_order):
            carries = place == 0 or grain == "conversation_dar"
            rows.append(
                {
                    "site_id": site_id,
                    "conversation_id": conversation_id,
                    "relationship_id": relationship_id,
                    "activity_date": day,
                    "credits": listening_credit(contract, day, calendar) if carries else Fraction(0),
                    "_carries": carries,
                }
            )
    return rows


# --- R9: Co-Browse -------------------------------------------------------------------------------------------------


def session_instant(session: Session) -> datetime | None:
    """R9: the instant that dates a copy of a session."""
    return session.became_interactive or session.started if session.is_interactive else session.started


def cobrowse_sessions(
    conversations: Iterable[Conversation], calendar: Calendar, as_of: datetime, usage: Usage, tally: Counter[str]
) -> list[Row]:
    """R9, R12: one row per session; interactive if any copy says so, and then only those copies decide."""
    by_key: dict[tuple[str, str], list[tuple[Conversation, Session]]] = defaultdict(list)
    for copy in conversations:
        for session in copy.sessions:
            reason = refusal(copy.site_id, session_instant(session), calendar.sites, as_of)
            if reason:
                tally["rejected"] += 1
                usage.rejected.append(Rejected(MESSAGING, session.place.path, session.place.line, reason))
            else:
                by_key[copy.site_id, session.session_id].append((copy, session))
    rows = []
    for (site_id, session_id), copies in sorted(by_key.items()):
        is_interactive = any(session.is_interactive for _, session in copies)
        deciding = [found for found in copies if found[1].is_interactive == is_interactive]
        copy, winner = max(deciding, key=lambda found: (copy_rank(found[0], as_of), found[1].place))
        tally["other_copies"] += len(copies) - 1
        tally["counted" if is_interactive else "not_counted"] += 1
        stated = [session.became_interactive for _, session in deciding if is_interactive]
        if differ(stated) or (not any(stated) and differ(session_instant(session) for _, session in deciding)):
            usage.conflicts.append(conflict(MESSAGING, (site_id, session_id), len(deciding), winner.place))
        instant = session_instant(winner)
        assert instant is not None
        rows.append(
            {
                "site_id": site_id,
                "session_id": session_id,
                "conversation_id": copy.conversation_id,
                "activity_date": calendar.sites[site_id].date_at(instant),
                "is_interactive": is_interactive,
                "credits": Fraction(1 if is_interactive else 0),
            }
        )
    return rows


# --- R10: Functions --------------------------------------------------------------------------------------------------


def trigger_counts(trigger: str | None, policy: Policy) -> bool:
    """R10: by trigger_rules.csv; an unknown trigger counts (under a warning)."""
    return policy.trigger_counts.get(trigger or "", True)


def function_invocations(
    invocations: Iterable[Invocation], calendar: Calendar, as_of: datetime, usage: Usage, tally: Counter[str]
) -> list[Row]:
    """R10, R12: one row per (site, function, activity date)."""
    policy = calendar.policy
    by_key: dict[tuple[str, str], list[Invocation]] = defaultdict(list)
    for invocation in invocations:
        reason = refusal(invocation.site_id, invocation.instant, calendar.sites, as_of)
        if reason is None and invocation.is_count_stated and not 1 <= (invocation.count or 0) < 2**63:
            reason = "invalid_count"
        if reason:
            tally["rejected"] += 1
            place = invocation.place
            usage.rejected.append(Rejected(FUNCTIONS, place.path, place.line, reason))
        else:
            by_key[invocation.site_id, invocation.invocation_id].append(invocation)
    counts: dict[tuple[str, str | None, date], Counter[str]] = defaultdict(Counter)
    for (site_id, invocation_id), copies in by_key.items():
        winner = max(copies, key=lambda copy: copy.place)
        tally["other_copies"] += len(copies) - 1
        if (
            differ(copy.instant for copy in copies)
            or differ(copy.count for copy in copies)
            or differ(copy.function_id for copy in copies)
            or differ(None if copy.trigger is None else trigger_counts(copy.trigger, policy) for copy in copies)
        ):
            usage.conflicts.append(conflict(FUNCTIONS, (site_id, invocation_id), len(copies), winner.place))
        is_counted = trigger_counts(winner.trigger, policy)
        tally["counted" if is_counted else "not_counted"] += 1
        assert winner.instant is not None
        day = calendar.sites[site_id].date_at(winner.instant)
        number = 1 if winner.count is None else winner.count
        counts[site_id, winner.function_id, day]["counted" if is_counted else "uncounted"] += number
    return [
        {
            "site_id": site_id,
            "function_id": function_id,
            "activity_date": day,
            "invocations": number["counted"],
            "uncounted_invocations": number["uncounted"],
        }
        for (site_id, function_id, day), number in sorted(counts.items(), key=lambda item: str(item[0]))
    ]


# --- R11: platform users ---------------------------------------------------------------------------------------------


def usable_snapshots(
    snapshots: Iterable[Snapshot], calendar: Calendar, as_of: datetime, usage: Usage, tally: Counter[str]
) -> dict[str, list[Snapshot]]:
    """Snapshots by site, in order of their instant; the users of the others are rejected."""
    by_site: dict[str, list[Snapshot]] = defaultdict(list)
    for snapshot in snapshots:
        reason = refusal(snapshot.site_id, snapshot.instant, calendar.sites, as_of)
        tally["rejected" if reason else "counted"] += len(snapshot.users)
        if reason:
            usage.rejected.extend(Rejected(USERS, user.place.path, user.place.line, reason) for user in snapshot.users)
        else:
            by_site[snapshot.site_id].append(snapshot)
    for found in by_site.values():
        found.sort(key=lambda snapshot: snapshot.instant or NEVER)
    return by_site


def provisioned(snapshot: Snapshot) -> int:
    """R11: users enabled and not deleted, humans and bots; of one listed twice the later place."""
    last = {user.user_id: user for user in snapshot.users}
    return sum(user.is_enabled and not user.is_deleted and user.user_type in (1, 2) for user in last.values())


def most_users(site_id: str, day: date, snapshots: Sequence[Snapshot], calendar: Calendar) -> int:
    """R11: on a date a site has the most users of any snapshot in force on it; none: 0."""
    most = 0
    instants = sorted({snapshot.instant or NEVER for snapshot in snapshots})
    for snapshot in snapshots:
        start = snapshot.instant or NEVER
        end = next((later for later in instants if later > start), None)
        for piece in calendar.sites[site_id].pieces_of(day):
            if start < piece.end and (end is None or piece.start < end):
                most = max(most, provisioned(snapshot))
                break
    return most


def platform_users(
    periods: Iterable[date], snapshots: dict[str, list[Snapshot]], calendar: Calendar, usage: Usage
) -> list[Row]:
    """R11: one row per contract and period on a date of which the contract is in force."""
    rows = []
    agents: dict[tuple[str, date], set[tuple[str, str]]] = defaultdict(set)
    for site_id, agent_id, day in usage.active_agents:
        contract = calendar.contract_of(site_id, day)
        if contract:
            agents[contract.contract_id, day.replace(day=1)].add((site_id, agent_id))
    for period in periods:
        for contract in sorted(calendar.contracts.values(), key=lambda c: c.contract_id):
            days = [day for day in days_of(period) if contract.covers(day)]
            if not days:
                continue
            per_day = [
                {
                    site_id: most_users(site_id, day, found, calendar)
                    for site_id, found in snapshots.items()
                    if calendar.contract_of(site_id, day) == contract
                }
                for day in days
            ]
            peak = max(sum(sites.values()) for sites in per_day)
            # The first date of the peak shows whose users they are.
            usage.peak_users[contract.contract_id, period] = next(s for s in per_day if sum(s.values()) == peak)
            limit = calendar.policy.plans[contract.rate_plan_id].platform_user_limit
            rows.append(
                {
                    "contract_id": contract.contract_id,
                    "period": period,
                    "provisioned_users": peak,
                    "active_users": len(agents[contract.contract_id, period]),
                    "user_limit": limit,
                    "is_breach": limit is not None and peak > limit,
                }
            )
    return rows


# --- R13: daily usage, and what no term prices -----------------------------------------------------------------


def days_of(period: date) -> list[date]:
    """The calendar dates of a period."""
    return [period + timedelta(days=n) for n in range((next_month(period) - period).days)]


def daily_usage(usage: Usage, unmapped: Counter[tuple[str, date]], calendar: Calendar) -> None:
    """R13: fills fct_daily_usage, fct_unrated_usage and what can be rated."""
    mapped: Counter[tuple[str, str, date]] = Counter()
    for row in usage.dar:
        mapped[row["site_id"], "dar", row["activity_date"]] += 1
    for row in usage.channel_credits:
        mapped[row["site_id"], "channel_credit", row["activity_date"]] += int(row["credits"])
    for row in usage.listening_credits:
        mapped[row["site_id"], "listening", row["activity_date"]] += int(row["_carries"])
    for row in usage.cobrowse_sessions:
        mapped[row["site_id"], "cobrowse_session", row["activity_date"]] += int(row["is_interactive"])
    for row in usage.function_invocations:
        mapped[row["site_id"], "function_invocation", row["activity_date"]] += row["invocations"]

    everything = Counter(mapped)
    unrated: Counter[tuple[str, str, date, str]] = Counter()
    for (site_id, day), quantity in unmapped.items():
        everything[site_id, "channel_credit", day] += quantity
        unrated[site_id, "channel_credit", day, "unmapped_channel"] += quantity
    for (site_id, meter, day), quantity in mapped.items():
        contract = calendar.contract_of(site_id, day)
        if quantity == 0:
            continue
        if contract is None:
            unrated[site_id, meter, day, "no_contract"] += quantity
        elif not calendar.charges(contract, meter, day):
            unrated[site_id, meter, day, "no_term"] += quantity
        else:
            usage.rated[contract.contract_id, site_id, meter, day] = Fraction(quantity)

    for (site_id, meter, day), quantity in sorted(everything.items()):
        contract = calendar.contract_of(site_id, day)
        if quantity:
            usage.daily_usage.append(
                {
                    "site_id": site_id,
                    "contract_id": contract.contract_id if contract else None,
                    "meter": meter,
                    "activity_date": day,
                    "quantity": Fraction(quantity),
                }
            )
    for (site_id, meter, day, reason), quantity in sorted(unrated.items()):
        usage.unrated.append(
            {
                "site_id": site_id,
                "meter": meter,
                "activity_date": day,
                "quantity": Fraction(quantity),
                "reason": reason,
            }
        )


def first_billed_period(policy: Policy, usage: Usage) -> date | None:
    """The setting; empty: the first month, over all contracts, in which counted usage has a contract."""
    setting = policy.settings.get("first_billed_period", "")
    if setting:
        return date.fromisoformat(setting[:7] + "-01")
    dates = [row["activity_date"] for row in usage.daily_usage if row["contract_id"] is not None]
    return min(dates).replace(day=1) if dates else None


# --- all of it ---------------------------------------------------------------------------------------------------


def meter(reading: Reading, policy: Policy, as_of: datetime, period: date) -> tuple[Usage, Calendar]:
    """All usage that the records give; platform users for first_billed_period to the period."""
    calendar, usage = Calendar(reading, policy), Usage()
    messages: Counter[str] = Counter()
    sessions: Counter[str] = Counter()
    invocations: Counter[str] = Counter()
    users: Counter[str] = Counter()

    copies: dict[tuple[str, str], list[Conversation]] = defaultdict(list)
    for conversation in reading.conversations:
        copies[conversation.site_id, conversation.conversation_id].append(conversation)
        messages["received"] += len(conversation.messages)
        sessions["received"] += len(conversation.sessions)
    counted = [
        message
        for _, same in sorted(copies.items())
        for message in meter_conversation(same, calendar, as_of, usage, messages)
    ]
    usage.dar = daily_active_relationships(counted)
    usage.channel_credits, unmapped = channel_credits(counted, calendar)
    usage.listening_credits = listening_credits(counted, calendar)
    usage.cobrowse_sessions = cobrowse_sessions(reading.conversations, calendar, as_of, usage, sessions)

    invocations["received"] = len(reading.invocations)
    usage.function_invocations = function_invocations(reading.invocations, calendar, as_of, usage, invocations)
    daily_usage(usage, unmapped, calendar)

    users["received"] = sum(len(snapshot.users) for snapshot in reading.snapshots)
    snapshots = usable_snapshots(reading.snapshots, calendar, as_of, usage, users)
    first = first_billed_period(policy, usage)
    if first is not None:
        usage.platform_users = platform_users(months(first, period), snapshots, calendar, usage)
    usage.rejected = [*reading.rejected, *usage.rejected]
    usage.records = {
        "message": messages,
        "cobrowse_session": sessions,
        "function_invocation": invocations,
        "platform_user": users,
    }
    return usage, calendar
