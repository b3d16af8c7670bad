"""From landing files to raw tables: what arrived, parsed once, and a list of what could not be.

What belongs here: the manifest (which path carries which content), batches and their transactions, the SQL that
turns the payload's fields into raw rows. What does not: bytes (files.py), the exact second reading (records.py),
the reference CSV files (reference.py), any rule about what counts.

A batch of files is read by one DuckDB statement with a projected schema into a temporary table; content and
personal fields are never materialised. Records with holes (a broken line, a missing key, a list that is not one)
are read again in Python, which either hands back the projected record or names the reason. Then rows, rejected
records and manifest rows are committed together. Of doubled JSON keys the first counts. DuckDB's reader takes
some JSON that the standard does not (a trailing comma, NaN in a field that is not read): so does this loader.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from orchestration import records
from orchestration.files import (
    UTF8_MARK,
    UTF16_MARKS,
    FoundFile,
    Scan,
    UnreadableError,
    find_files,
    printable,
    read_all,
    read_lines,
    scan,
)
from orchestration.policy import withdrawn_paths
from orchestration.progress import LoadProgress
from orchestration.records import DETAILS, BrokenError, Judge, Reading, Reject
from orchestration.settings import Settings, check_pseudonym_key, hmac_blocks

LOADER_VERSION = "2"  # another version makes every content be parsed anew
BATCH_BYTES = 256 << 20
BATCH_FILES = 2000
DEFAULT_OBJECT_BYTES = 16 << 20  # DuckDB's own default; a larger object is loaded in a batch of its own
LARGEST_OBJECT_BYTES = 1 << 30
SMALLEST_OBJECT_CEILING = 64 << 20
RECORDS_PER_CONTENT = 1 << 24  # conversation_copy_id = content_id * this + place in the content
LARGEST_READ_AGAIN = 256 << 20  # bytes of one object: Python's reading takes a dozen times as much
MOST_SUSPICIOUS = 1_000_000  # records of a file: above, all of it is read again
LINES_AT_ONCE = 100_000
EARLIEST_INSTANT = "timestamptz '2000-01-01 00:00:00+00'"
LATEST_INSTANT = "timestamptz '9999-01-01 00:00:00+00'"
MILLISECONDS = (-62135596800000, 253402300799999)  # years 0001 to 9999

Log = Callable[[str], None]


@dataclass
class FeedSummary:
    """What one run found in one feed's folder and did about it."""

    feed: str
    files: int = 0
    new: int = 0  # new paths, and paths with new content
    unchanged: int = 0
    removed: int = 0
    left: int = 0  # changing while they were read: for the next run
    records: int = 0  # in contents parsed by this run, rejects included
    rejects: int = 0
    size_bytes: int = 0  # of contents parsed by this run
    seconds: float = 0.0


# --- The SQL of a leaf ---------------------------------------------------------------------------------------------


def clean(leaf: str) -> str:
    """A text that was stated: empty, `undefined` and `null` are not."""
    return f"case when {leaf} not in ('', 'undefined', 'null') then {leaf} end"


def is_number(leaf: str) -> str:
    """Whether a text is a decimal number as JSON or a spreadsheet writes one."""
    return rf"regexp_full_match({leaf}, '\s*[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?\s*')"


def milliseconds(leaf: str) -> str:
    """Epoch milliseconds as BIGINT, clamped to the years 0001 to 9999; null when it is not a number."""
    low, high = MILLISECONDS

    def clamped(value: str) -> str:
        return f"case when {value} between {low} and {high} then {value} when {value} < 0 then {low} else {high} end"

    whole, real = f"try_cast({leaf} as bigint)", f"try_cast({leaf} as double)"
    return (
        # DuckDB's cast also takes 0x19 and 1_000: plain digits come back as they were, all else is looked at.
        f"case when {whole}::varchar = {leaf} then {clamped(whole)} "
        f"when {is_number(leaf)} then ({clamped(real)})::bigint end"
    )


def twin(text: str) -> str:
    """An instant from its text form `2016-08-29 14:30:24.565+0000`; null without a zone."""
    form = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}([.]\d{1,9})?\s?(Z|[+-]\d{2}(:?\d{2})?)"
    return f"case when regexp_full_match({text}, '{form}') then try_cast({text} as timestamptz) end"


def instant(leaf: str, text: str | None = None) -> str:
    """The instant of an L field; its text twin only where the L field is not usable."""
    from_leaf = f"make_timestamptz({milliseconds(leaf)} * 1000)"
    return f"coalesce({from_leaf}, {twin(text)})" if text else from_leaf


def truth(leaf: str) -> str:
    """true or false in any case; null for anything else."""
    return f"case lower({leaf}) when 'true' then true when 'false' then false end"


def is_odd(leaf: str) -> str:
    """Whether a text may be an object or list in disguise, or holds a NUL: to be read again."""
    return f"coalesce(ascii({leaf}) in (91, 123) or contains({leaf}, chr(0)), false)"


def is_unusable(leaf: str) -> str:
    """Whether a key is missing or odd."""
    return f"({leaf} is null or {leaf} in ('', 'undefined', 'null') or {is_odd(leaf)})"


def duckdb_type(shape: Any) -> str:
    """A projected shape as a DuckDB type."""
    if isinstance(shape, dict):
        return "struct(" + ", ".join(f'"{key}" {duckdb_type(part)}' for key, part in shape.items()) + ")"
    return f"{duckdb_type(shape[0])}[]" if isinstance(shape, list) else shape


# --- The feeds -----------------------------------------------------------------------------------------------------


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


# --- The manifest --------------------------------------------------------------------------------------------------


@dataclass
class _Manifest:
    """What the raw tables hold now: paths with their content, and contents by identity."""

    paths: dict[str, tuple[int, int, int, str]]  # path -> size, mtime, content, format
    contents: dict[tuple[str, str], int]  # format, SHA-256 -> content
    sizes: set[tuple[str, int]]  # formats and sizes that known contents have
    next_content: int

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, feed: str) -> _Manifest:
        """The manifest of a feed, without what another version of the loader wrote: that is parsed anew."""
        contents = {
            content: (file_format, sha256, size)
            for content, file_format, sha256, size in connection.execute(
                "select content_id, format, sha256, size_bytes from raw.landing_contents "
                "where feed = ? and loader_version = ?",
                [feed, LOADER_VERSION],
            ).fetchall()
        }
        paths = {
            path: (size, mtime_ns, content, contents[content][0])
            for path, size, mtime_ns, content in connection.execute(
                "select path, size_bytes, mtime_ns, content_id from raw.landing_files where feed = ?", [feed]
            ).fetchall()
            if content in contents
        }
        # No number is given twice: what was built from a content that is gone is known by its number.
        last = connection.execute(
            "select greatest((select coalesce(max(content_id), 0) from raw.landing_contents), "
            "(select coalesce(max(content_id), 0) from raw.removed_conversations))"
        ).fetchone()
        return cls(
            paths,
            {(file_format, sha256): content for content, (file_format, sha256, _) in contents.items()},
            {(file_format, size) for file_format, _, size in contents.values()},
            (last[0] if last else 0) + 1,
        )


@dataclass
class _Job:
    """A file to be read in this run, and what is learnt about it on the way."""

    file: FoundFile
    scanned: Future[Scan]
    number: int = 0  # in the batch, from 0
    content: int = 0
    first_row: int | None = None  # of the file's rows in the temporary table
    lines: array[int] | None = None  # of a file with blank lines: the line of each record
    rejects: list[Reject] = field(default_factory=list)  # of the file as a whole
    refused: int = 0  # rejected records noted in the temporary table
    is_by_hand: bool = False  # DuckDB's reading did not fit into memory

    @property
    def scan(self) -> Scan:
        return self.scanned.result()


def load_landing(connection: duckdb.DuckDBPyConnection, settings: Settings, log: Log = print) -> list[FeedSummary]:
    """Bring the raw tables in line with the files that are now in the landing folder (SPEC 5), feed by feed.

    Rows, rejected records and manifest rows of a batch of files commit together. Nothing that a file holds raises;
    LedgerError if the warehouse was loaded under another pseudonym key.
    """
    check_pseudonym_key(connection, settings)
    tell_strangers(settings, log)
    settings.temporary.mkdir(parents=True, exist_ok=True)
    return [_FeedLoad(connection, settings, feed, log).run() for feed in FEEDS.values()]


def tell_strangers(settings: Settings, log: Log) -> None:
    """Say which folders of landing are no feed's."""
    for name in sorted(os.listdir(settings.landing)) if settings.landing.is_dir() else []:
        if name not in FEEDS and name != "reference" and not name.startswith("."):
            log(f"landing/{printable(name)} is no feed and was not read (feeds: {', '.join(FEEDS)}, reference)")


class _FeedLoad:
    """One feed's load in one run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, feed: Feed, log: Log) -> None:
        self.connection = connection
        self.settings = settings
        self.feed = feed
        self.log = log
        self.manifest = _Manifest.read(connection, feed.name)
        self.summary = FeedSummary(feed.name)
        self.adopted: list[tuple[FoundFile, str, int]] = []  # files whose content is known: path rows to write
        self.ceiling = _object_ceiling(connection)

    def run(self) -> FeedSummary:
        started = time.monotonic()
        withdrawn = withdrawn_paths(self.settings)
        found = [
            file for file in find_files(self.settings.landing, self.feed.name, self.log) if file.path not in withdrawn
        ]
        changed = [file for file in found if not self._is_unchanged(file)]
        self.summary.files = len(found)
        self.summary.unchanged = len(found) - len(changed)
        done, progress = 0, LoadProgress(self.log, self.feed.name, len(found), len(changed))
        links = Path(tempfile.mkdtemp(prefix="landing-", dir=_plain_folder(self.settings.temporary)))
        pool = ThreadPoolExecutor(1, "hash")
        try:
            jobs = [_Job(file, pool.submit(_scan, file)) for file in changed]
            for batch in self._batches(jobs):
                self._load(batch, links)
                done += len(batch)
                progress.tell(done, self.summary.records, self.summary.size_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(links, ignore_errors=True)
        self._finish({file.path for file in found})
        self.summary.seconds = time.monotonic() - started
        return self.summary

    def _is_unchanged(self, file: FoundFile) -> bool:
        known = self.manifest.paths.get(file.path)
        if file.problem == "unreadable_file" or known is None:
            return False
        return (file.size, file.mtime_ns, file.format) == (known[0], known[1], known[3])

    def _batches(self, jobs: list[_Job]) -> Iterator[list[_Job]]:
        """Files that one statement may read: of one kind, bounded in bytes, large objects alone."""
        for shape in ("", "json", "jsonl"):
            batch: list[_Job] = []
            weight = 0
            for job in jobs:
                if job.file.problem:
                    mine, size, alone = shape == "", 0, False
                else:
                    mine = shape == job.file.shape
                    size = job.scan.size if mine and job.file.compression else job.file.size
                    alone = shape == "json" and size > DEFAULT_OBJECT_BYTES
                if not mine:
                    continue
                if batch and (alone or weight + size > BATCH_BYTES or len(batch) >= BATCH_FILES):
                    yield batch
                    batch, weight = [], 0
                batch.append(job)
                weight += size
                if alone:
                    yield batch
                    batch, weight = [], 0
            if batch:
                yield batch

    # -- one batch

    def _load(self, jobs: list[_Job], links: Path) -> None:
        """Read a batch of files and commit what they hold; what does not fit into memory, file by file and by hand."""
        adopted, manifest = list(self.adopted), replace(self.manifest, contents=dict(self.manifest.contents))
        summary = replace(self.summary)
        try:
            self._load_batch(jobs, links)
        except duckdb.OutOfMemoryException:
            self.adopted, self.manifest, self.summary = adopted, manifest, summary
            for job in jobs:
                job.content, job.first_row, job.lines, job.rejects, job.refused = 0, None, None, [], 0
            if len(jobs) > 1:
                middle = len(jobs) // 2
                self._load(jobs[:middle], links)
                self._load(jobs[middle:], links)
            elif not jobs[0].is_by_hand:
                jobs[0].is_by_hand = True
                self._load(jobs, links)
            else:
                raise

    def _load_batch(self, jobs: list[_Job], links: Path) -> None:
        whole, readable = [], []
        for job in jobs:
            if self._adopt_known(job, hash_first=False):
                continue
            reason = job.file.problem or self._fault_of_bytes(job)
            if reason:
                self._refuse_file(job, reason)
                whole.append(job)
            else:
                readable.append(job)
        readable.sort(key=lambda job: job.file.size == 0)  # empty files are not given to DuckDB
        for number, job in enumerate(readable):
            job.number = number
        if readable:
            self._read(readable, links)
        kept: list[_Job] = []
        for job in whole + readable:
            unreadable = job.scan.problem == "unreadable_file" and job.file.problem is None
            if unreadable or (job.file.problem in (None, "unknown_file_type") and job.file.has_changed()):
                self._leave(job)
            elif not self._adopt_known(job):
                self._take(job)
                kept.append(job)
        with self._transaction():
            if kept:
                self._write(kept, [job for job in kept if job in readable])
            self._write_paths([(job.file, job.scan.sha256, job.content) for job in kept])
        self.summary.new += len(kept)
        self.summary.size_bytes += sum(job.file.size for job in kept)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.begin()
        try:
            yield
            self.connection.commit()
        except BaseException:
            with suppress(duckdb.Error):
                self.connection.rollback()
            raise

    def _adopt_known(self, job: _Job, hash_first: bool = True) -> bool:
        """Whether a file's content is known already; then only its path row is due, or it is left for the next run."""
        file = job.file
        if not hash_first and (file.format, file.size) not in self.manifest.sizes:
            return False  # no known content has this size, so none is the same: no need to wait for the hash
        content = self.manifest.contents.get((file.format, job.scan.sha256))
        if content is None:
            return False
        if file.problem is None and file.has_changed():
            self._leave(job)
        else:
            self.adopted.append((file, job.scan.sha256, content))
            self.summary.new += file.path not in self.manifest.paths
        return True

    def _take(self, job: _Job) -> None:
        job.content = self.manifest.next_content
        self.manifest.next_content += 1
        self.manifest.contents[job.file.format, job.scan.sha256] = job.content
        self.manifest.sizes.add((job.file.format, job.file.size))

    def _leave(self, job: _Job) -> None:
        self.summary.left += 1
        self.log(f"{printable(job.file.path)} changed while it was read: left for the next run")

    def _fault_of_bytes(self, job: _Job) -> str | None:
        """What makes a whole file unusable before anything is parsed. Waits for the hash only where it must."""
        file = job.file
        if file.size == 0 and not file.compression:
            return "empty_file" if file.shape == "json" else None
        if file.compression or file.size > DEFAULT_OBJECT_BYTES:
            if job.scan.problem:
                return job.scan.problem
            head, size = job.scan.head, job.scan.size
        else:
            head, size = _head(file), file.size
        if head.startswith(UTF16_MARKS):
            return "not_utf8"
        if file.shape == "json":
            if head.startswith(UTF8_MARK):
                return "byte_order_mark"
            return "object_too_large" if size > self.ceiling else None
        return "too_many_records" if size >= RECORDS_PER_CONTENT <= job.scan.lines else None

    def _refuse_file(self, job: _Job, reason: str) -> None:
        kind = self.feed.object_kind if job.file.shape == "json" and not job.file.problem else "file"
        job.rejects = [Reject(None, None, kind, reason, job.scan.sha256)]

    # -- reading

    def _read(self, jobs: list[_Job], links: Path) -> None:
        """Fill the temporary tables: `landed` (DuckDB's reading), `mended` (the second reading), `landed_pages`.

        Nothing here is inside a transaction: a statement that DuckDB gives up is simply tried another way.
        """
        execute = self.connection.execute
        metadata = duckdb_type(records.PAGE_METADATA)
        execute(
            "create or replace temp table landed "
            f"(file_no integer, ordinal bigint, page_records bigint, metadata {metadata}, {self._columns()})"
        )
        execute(f"create or replace temp table mended (file_no integer, record_index bigint, {self._columns()})")
        execute(
            f"create or replace temp table landed_pages (file_no integer, metadata {metadata}, page_records bigint)"
        )
        execute(
            "create or replace temp table refused (file_no integer, record_index bigint, item_index integer, "
            "record_kind varchar, reason varchar, record_hash varchar)"
        )
        by_hand = {job.number for job in jobs if job.is_by_hand}
        by_hand |= self._read_with_duckdb([job for job in jobs if job.file.size and not job.is_by_hand], links)
        if jobs[0].file.shape == "jsonl":
            by_hand |= self._place_lines(jobs, by_hand)
        else:
            by_hand |= self._place_objects(jobs)
        suspicious = self._suspicious(jobs)
        for job in jobs:  # whether DuckDB skips a byte order mark or stumbles over it depends on how it reads the file
            if job.file.shape == "jsonl" and job.scan.head.startswith(UTF8_MARK):
                suspicious.setdefault(job.number, set()).add(1)
        by_hand |= {number for number, places in suspicious.items() if len(places) >= MOST_SUSPICIOUS}
        for job in jobs:
            if job.number in by_hand:
                execute("delete from landed where file_no = ?", [job.number])
                execute("delete from landed_pages where file_no = ?", [job.number])
                self._read_again(job, None)
            elif job.number in suspicious:
                self._read_again(job, suspicious[job.number])

    def _columns(self) -> str:
        return ", ".join(f'"{key}" {duckdb_type(part)}' for key, part in self.feed.shape.items())

    def _names(self, prefix: str = "") -> str:
        return ", ".join(f'{prefix}"{key}"' for key in self.feed.shape)

    def _read_with_duckdb(self, jobs: list[_Job], links: Path) -> set[int]:
        """Read all files in one statement, halved until what DuckDB refuses stands alone; the numbers of those."""
        if not jobs:
            return set()
        if jobs[0].file.shape == "json":
            largest = max(job.scan.size if job.file.compression else job.file.size for job in jobs)
        else:
            largest = max(job.scan.longest_line if job.scanned.done() else 0 for job in jobs)
        if len(jobs) == 1 and largest > self.ceiling:
            return {jobs[0].number}
        limit = max(largest + 4096, DEFAULT_OBJECT_BYTES if jobs[0].file.shape == "jsonl" else 1 << 20)
        if limit <= max(DEFAULT_OBJECT_BYTES + 4096, 1 << 20) or len(jobs) == 1:
            try:
                self._read_statement(jobs, links, limit)
                return set()
            except duckdb.Error:
                if len(jobs) == 1 and (jobs[0].file.shape == "json" or jobs[0].scan.longest_line + 4096 <= limit):
                    return {jobs[0].number}
        if len(jobs) == 1:
            return self._read_with_duckdb(jobs, links)
        middle = len(jobs) // 2
        return self._read_with_duckdb(jobs[:middle], links) | self._read_with_duckdb(jobs[middle:], links)

    def _read_statement(self, jobs: list[_Job], links: Path, limit: int) -> None:
        # Links under plain names: quotes, stars and other bytes in a file's name then mean nothing to DuckDB.
        names = []
        for job in jobs:
            link = links / f"{job.number}.{job.file.format}"
            link.unlink(missing_ok=True)
            link.symlink_to(job.file.location)
            names.append("'" + str(link).replace("'", "''") + "'")
        lines = jobs[0].file.shape == "jsonl"
        pages = not lines and self.feed.page_list
        if pages:
            shape = {"_metadata": records.PAGE_METADATA, self.feed.page_list: [self.feed.shape]}
        else:
            shape = self.feed.shape
        columns = ", ".join(f"\"{name}\": '{duckdb_type(part)}'" for name, part in shape.items())
        source = (
            f"read_json([{', '.join(names)}], format = '{'newline_delimited' if lines else 'unstructured'}', "
            f"ignore_errors = true, compression = 'auto_detect', hive_partitioning = false, "
            f"maximum_object_size = {limit}, columns = {{{columns}}})"
        )
        number = f"(file_index + {jobs[0].number})::integer as file_no"
        if pages:
            # A page without records keeps one row, of nulls: so every object of every file is seen.
            listed = f'"{self.feed.page_list}"'
            statement = f"""
                insert into landed
                select file_no, ordinal, page_records, _metadata, {self._names("record.")}
                from (
                    select
                        file_no, page_records, _metadata,
                        generate_subscripts(padded, 1) as ordinal, unnest(padded) as record
                    from (
                        select
                            {number}, _metadata, len({listed}) as page_records,
                            case when len({listed}) > 0 then {listed} else [null] end as padded
                        from {source}
                    )
                )"""
        else:
            statement = f"insert into landed select {number}, null, null, null, {self._names()} from {source}"
        threads = self.connection.execute("select current_setting('threads')").fetchone()
        if limit > SMALLEST_OBJECT_CEILING:  # every thread holds twice the limit
            self.connection.execute("set threads = 1")
        try:
            self.connection.execute(statement)
        finally:
            if limit > SMALLEST_OBJECT_CEILING and threads:
                self.connection.execute(f"set threads = {int(threads[0])}")

    def _place_lines(self, jobs: list[_Job], by_hand: set[int]) -> set[int]:
        """Find out which line each row is; the numbers of files whose rows and lines do not add up."""
        rows = {
            number: (first, count)
            for number, first, count in self.connection.execute(
                "select file_no, min(rowid), count(*) from landed group by file_no"
            ).fetchall()
        }
        unclear = set()
        for job in jobs:
            first, count = rows.get(job.number, (0, 0))
            job.first_row = first
            if job.number in by_hand or count == job.scan.lines:
                continue
            try:
                lines = read_lines(job.file, self.ceiling)
                job.lines = array("q", (line for line, data, _ in lines if data is None or data.strip()))
            except UnreadableError:
                job.lines = array("q")
            if len(job.lines) != count:
                job.lines = None
                unclear.add(job.number)
        return unclear

    def _place_objects(self, jobs: list[_Job]) -> set[int]:
        """Check that every .json file held one object; the numbers of files where it did not."""
        first = "coalesce(ordinal, 1) = 1"
        listed = "count(page_records) = 1" if self.feed.page_list else "true"
        good = {
            number
            for (number,) in self.connection.execute(
                f"select file_no from landed where {first} group by file_no having count(*) = 1 and {listed}"
            ).fetchall()
        }
        if self.feed.page_list:
            self.connection.execute(
                f"insert into landed_pages select file_no, metadata, page_records from landed where {first}"
            )
            self.connection.execute("delete from landed where coalesce(page_records, 0) = 0")
        else:
            self.connection.execute("update landed set ordinal = 1")
        return {job.number for job in jobs} - good

    def _suspicious(self, jobs: list[_Job]) -> dict[int, set[int]]:
        """The records that have to be read again: places by file."""
        queries = [f"select rowid as row from landed where {' or '.join(self.feed.suspicious)}"]
        queries += [
            f"select row from (select rowid as row, unnest({path}) as item from landed) where {condition}"
            for path, condition in self.feed.items
        ]
        found = self.connection.execute(
            f"""
            select file_no, rowid, ordinal from landed where rowid in ({' union all '.join(queries)})
            qualify row_number() over (partition by file_no) <= {MOST_SUSPICIOUS}"""
        )
        places: dict[int, set[int]] = {}
        first = {job.number: job.first_row or 0 for job in jobs}
        while rows := found.fetchmany(LINES_AT_ONCE):
            for number, row, ordinal in rows:
                places.setdefault(number, set()).add(row - first[number] + 1 if ordinal is None else ordinal)
        return places

    def _read_again(self, job: _Job, wanted: set[int] | None) -> None:
        """The second reading: of the wanted records, or of all."""
        if wanted is not None:
            places = "ordinal" if job.file.shape == "json" else f"rowid - {job.first_row} + 1"
            self.connection.execute(
                f"delete from landed where file_no = ? and {places} in (select unnest(?::bigint[]))",
                [job.number, sorted(wanted)],
            )
        reading = Reading(spill=lambda usable, rejects: self._take_over(job, usable, rejects))
        try:
            if job.file.shape == "jsonl":
                self._read_lines_again(job, wanted, reading)
            else:
                self._read_object_again(job, wanted, reading)
            self._take_over(job, reading.records, reading.rejects)
        except (BrokenError, UnreadableError) as error:
            for table in ("landed", "mended", "landed_pages", "refused"):
                self.connection.execute(f"delete from {table} where file_no = ?", [job.number])
            job.refused = 0
            self._refuse_file(job, error.reason)

    def _take_over(self, job: _Job, usable: list[tuple[int, str]], rejects: list[Reject]) -> None:
        """Write what a second reading has in hand to the temporary tables."""
        self._mend(job, usable)
        if rejects:
            rows = ((one.record_index, one.item_index, one.kind, one.reason, one.record_hash) for one in rejects)
            places, items, kinds, reasons, hashes = (list(column) for column in zip(*rows, strict=True))
            self.connection.execute(
                """
                insert into refused
                select
                    $number, unnest($places::bigint[]), unnest($items::integer[]), unnest($kinds::varchar[]),
                    unnest($reasons::varchar[]), unnest($hashes::varchar[])""",
                {"number": job.number, "places": places, "items": items, "kinds": kinds, "reasons": reasons,
                 "hashes": hashes},
            )  # fmt: skip
            job.refused += len(rejects)

    def _read_lines_again(self, job: _Job, wanted: set[int] | None, reading: Reading) -> None:
        ordinal = 0
        for line, data, digest in read_lines(job.file, min(self.ceiling, LARGEST_READ_AGAIN)):
            if data is not None and not data.strip():
                continue
            ordinal += 1
            if wanted is not None and ordinal not in wanted:
                continue
            if data is None:
                reading.refuse([Reject(line, None, "line", "object_too_large", digest or "")])
                continue
            records.read_line(data, line, self.feed.judge, reading)

    def _read_object_again(self, job: _Job, wanted: set[int] | None, reading: Reading) -> None:
        data = read_all(job.file, min(self.ceiling, LARGEST_READ_AGAIN))
        if self.feed.page_list:
            records.read_page(data, self.feed.judge, wanted, reading)
            if wanted is None:
                shape = json.dumps(records.PAGE_METADATA)
                self.connection.execute(
                    f"insert into landed_pages select ?, from_json(?, '{shape}'), ?",
                    [job.number, reading.metadata or "{}", reading.total],
                )
        else:
            records.read_object(data, self.feed.judge, reading)

    def _mend(self, job: _Job, read: list[tuple[int, str]]) -> None:
        if read:
            self.connection.execute(
                f"""
                insert into mended
                select {job.number}, record_index, {self._names("record.")}
                from (
                    select
                        unnest($places::bigint[]) as record_index,
                        from_json(unnest($texts::varchar[]), '{json.dumps(self.feed.shape)}') as record
                )""",
                {"places": [place for place, _ in read], "texts": [text for _, text in read]},
            )

    # -- writing, inside one transaction

    def _write(self, kept: list[_Job], parsed: list[_Job]) -> None:
        execute = self.connection.execute
        if parsed:
            self._write_rows(parsed)
        rejected = [
            (job.content, reject.record_index, reject.item_index, reject.kind, reject.reason, reject.record_hash)
            for job in kept
            for reject in job.rejects
        ]
        if rejected:
            contents, places, items, kinds, reasons, hashes = (list(column) for column in zip(*rejected, strict=True))
            execute(
                """
                insert into raw.rejected_records
                select
                    unnest($contents::bigint[]), unnest($places::bigint[]), unnest($items::integer[]),
                    unnest($kinds::varchar[]), unnest($reasons::varchar[]), unnest($details::varchar[]),
                    unnest($hashes::varchar[])""",
                {
                    "contents": contents,
                    "places": places,
                    "items": items,
                    "kinds": kinds,
                    "reasons": reasons,
                    "details": [DETAILS[reason] for reason in reasons],
                    "hashes": hashes,
                },
            )
        counts: dict[int, list[Any]] = {job.content: [len(job.rejects) + job.refused, None, None] for job in kept}
        for table, moment in self.feed.counted if parsed else ():
            usable = f"{moment} >= {EARLIEST_INSTANT} and {moment} < {LATEST_INSTANT}"
            for content, rows, first, last in execute(
                f"select content_id, count(*), min({moment}) filter ({usable}), max({moment}) filter ({usable}) "
                f"from raw.{table} where content_id >= ? group by content_id",
                [kept[0].content],
            ).fetchall():
                count = counts[content]
                count[0] += rows
                count[1] = min((value for value in (count[1], first) if value), default=None)
                count[2] = max((value for value in (count[2], last) if value), default=None)
        execute(
            """
            insert into raw.landing_contents
            select
                unnest($contents::bigint[]), $feed, unnest($formats::varchar[]), unnest($hashes::varchar[]),
                unnest($sizes::bigint[]), unnest($records::bigint[]), unnest($rejects::bigint[]),
                unnest($first::timestamptz[]), unnest($last::timestamptz[]), $version""",
            {
                "contents": [job.content for job in kept],
                "feed": self.feed.name,
                "formats": [job.file.format for job in kept],
                "hashes": [job.scan.sha256 for job in kept],
                "sizes": [job.file.size for job in kept],
                "records": [counts[job.content][0] for job in kept],
                "rejects": [len(job.rejects) + job.refused for job in kept],
                "first": [counts[job.content][1] for job in kept],
                "last": [counts[job.content][2] for job in kept],
                "version": LOADER_VERSION,
            },
        )
        self.summary.records += sum(count[0] for count in counts.values())
        self.summary.rejects += sum(len(job.rejects) + job.refused for job in kept)

    def _write_rows(self, parsed: list[_Job]) -> None:
        execute = self.connection.execute
        execute("create or replace temp table landed_files (file_no integer, content_id bigint, first_row bigint)")
        execute(
            "insert into landed_files select unnest($numbers::integer[]), unnest($contents::bigint[]), "
            "unnest($rows::bigint[])",
            {
                "numbers": [job.number for job in parsed],
                "contents": [job.content for job in parsed],
                "rows": [job.first_row or 0 for job in parsed],
            },
        )
        execute(
            """
            insert into raw.rejected_records
            select content_id, record_index, item_index, record_kind, reason, detail, record_hash
            from refused
            join landed_files on landed_files.file_no = refused.file_no
            left join (select unnest($reasons::varchar[]) as word, unnest($details::varchar[]) as detail)
                on word = reason""",
            {"reasons": list(DETAILS), "details": list(DETAILS.values())},
        )
        place, more = "coalesce(landed.ordinal, landed.rowid - landed_files.first_row + 1)", ""
        gaps = [job for job in parsed if job.lines is not None]
        if gaps:
            execute("create or replace temp table landed_lines (file_no integer, ordinal bigint, line bigint)")
            for job in gaps:
                lines = job.lines or ()
                for begin in range(0, len(lines), LINES_AT_ONCE):
                    execute(
                        "insert into landed_lines select $number, $begin + row_number() over (), line "
                        "from (select unnest($lines::bigint[]) as line)",
                        {"number": job.number, "begin": begin, "lines": list(lines[begin : begin + LINES_AT_ONCE])},
                    )
            more = (
                "left join landed_lines on landed_lines.file_no = landed.file_no "
                "and landed_lines.ordinal = landed.rowid - landed_files.first_row + 1"
            )
            place = "coalesce(landed_lines.line, landed.rowid - landed_files.first_row + 1)"
        sources = [
            f"(select landed_files.content_id, {place} as record_index, {self._names('landed.')} "
            f"from landed join landed_files on landed_files.file_no = landed.file_no {more})"
        ]
        if execute("select 1 from mended limit 1").fetchone():
            sources.append(
                f"(select landed_files.content_id, mended.record_index, {self._names('mended.')} "
                "from mended join landed_files on landed_files.file_no = mended.file_no)"
            )
        key = self.settings.pseudonym_key
        blocks = dict(zip(("inner", "outer"), hmac_blocks(key), strict=True)) if key else {}
        for source in sources:
            for statement in INSERTS[self.feed.name](source, key is not None):
                used = {name: block for name, block in blocks.items() if f"${name}" in statement}
                execute(statement, used) if used else execute(statement)
        if self.feed.page_list:
            href = "metadata.self.href"
            bare = f"regexp_replace({href}, '([?&])offset=[^&]*(&|$)', '\\1')"
            execute(
                f"""
                insert into raw.pages
                select
                    landed_files.content_id,
                    case when {clean(href)} is not null then sha256(rtrim({bare}, '?&')) end,
                    try_cast({clean('metadata."count"')} as bigint), page_records,
                    coalesce(lower(metadata.shardsStatusResult.partialResult) = 'true', false),
                    nullif(regexp_extract({href}, '/account/([^/?#]+)', 1), '')
                from landed_pages join landed_files on landed_files.file_no = landed_pages.file_no
                order by landed_files.content_id"""
            )

    def _write_paths(self, taken: list[tuple[FoundFile, str, int]]) -> None:
        """Write the path rows of files taken or adopted, then remove the contents that no path carries any more."""
        rows = taken + self.adopted
        self.adopted = []
        if rows:
            self.connection.execute(
                """
                insert or replace into raw.landing_files
                select
                    unnest($paths::varchar[]), $feed, unnest($hashes::varchar[]), unnest($sizes::bigint[]),
                    unnest($mtimes::bigint[]), unnest($contents::bigint[])""",
                {
                    "paths": [file.path for file, _, _ in rows],
                    "feed": self.feed.name,
                    "hashes": [sha256 for _, sha256, _ in rows],
                    "sizes": [file.size for file, _, _ in rows],
                    "mtimes": [file.mtime_ns for file, _, _ in rows],
                    "contents": [content for _, _, content in rows],
                },
            )
        orphans = [
            content
            for (content,) in self.connection.execute(
                "select content_id from raw.landing_contents where feed = ? "
                "and content_id not in (select content_id from raw.landing_files)",
                [self.feed.name],
            ).fetchall()
        ]
        if orphans:
            if "conversations" in self.feed.tables:
                self.connection.execute(
                    "insert into raw.removed_conversations select distinct content_id, site_id, conversation_id "
                    "from raw.conversations where content_id in (select unnest(?::bigint[]))",
                    [orphans],
                )
            for table in (*self.feed.tables, "rejected_records", "landing_contents"):
                self.connection.execute(
                    f"delete from raw.{table} where content_id in (select unnest(?::bigint[]))", [orphans]
                )
            gone = set(orphans)
            self.manifest.contents = {
                identity: content for identity, content in self.manifest.contents.items() if content not in gone
            }

    def _finish(self, present: set[str]) -> None:
        """Write the last path rows and remove the paths that are gone, with what only they carried."""
        known = self.connection.execute(
            "select path from raw.landing_files where feed = ?", [self.feed.name]
        ).fetchall()
        gone = [path for (path,) in known if path not in present]
        if gone or self.adopted:
            with self._transaction():
                self.connection.execute(
                    "delete from raw.landing_files where path in (select unnest(?::varchar[]))", [gone]
                )
                self._write_paths([])
        self.summary.removed = len(gone)
        for table in ("landed", "mended", "landed_pages", "refused", "landed_files", "landed_lines"):
            self.connection.execute(f"drop table if exists temp.{table}")


def _scan(file: FoundFile) -> Scan:
    """The scan of a file in the hashing thread; of what must not be opened, a stand-in for its hash."""
    if file.problem and file.problem != "unknown_file_type":
        return Scan(records.sha256(f"{file.problem}:{file.path}".encode()), 0, 0, 0, b"", file.problem)
    return scan(file)


def _head(file: FoundFile) -> bytes:
    try:
        with open(file.location, "rb") as handle:
            return handle.read(4)
    except OSError:
        return b""


def _plain_folder(folder: Path) -> str | None:
    """The folder, if its name means only itself to DuckDB; None (the system's own) if it has wildcards in it."""
    return None if any(character in str(folder) for character in "*?[]{}") else str(folder)


def _object_ceiling(connection: duckdb.DuckDBPyConnection) -> int:
    """The largest JSON object in bytes that is given to DuckDB: an eighth of its memory ceiling, within bounds."""
    limit = connection.execute("select current_setting('memory_limit')").fetchone()
    number, unit = str(limit[0] if limit else "0 B").split()
    power = "BKMGTP".find(unit[0].upper()) if unit[0].upper() in "KMGTP" else 0
    size = float(number) * (1024 if "i" in unit else 1000) ** power
    return int(min(max(size / 8, SMALLEST_OBJECT_CEILING), LARGEST_OBJECT_BYTES))
