"""From landing files to raw tables: which files are new, which are read together, and in which order they are written.

What belongs here: a feed's files and batches, several batches side by side. What does not: what a batch reads and
writes (batch), which path carries which content (manifest), the reference CSV files (reference), any rule about what
counts.

Rows, rejected records and manifest rows of a batch are committed together. Batches are read and written side by side,
each on a connection and in a transaction of its own; they are numbered and committed in the order of their files: no
number depends on which thread was faster. What no file carries any more goes when all are loaded: a transaction sees
neither the paths nor the rows of those beside it.
"""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from threading import Condition

import duckdb

from orchestration import records
from orchestration.batch import Batch, FeedSummary, transaction
from orchestration.batch_reading import DEFAULT_OBJECT_BYTES, TEMPORARY_TABLES, Job
from orchestration.event_feeds import FEEDS, Feed
from orchestration.files import FoundFile, Scan, find_files, printable, scan
from orchestration.manifest import Manifest, remove_orphans
from orchestration.policy import withdrawn_paths
from orchestration.progress import LoadProgress
from orchestration.settings import Settings, check_pseudonym_key, second_connection

BATCH_BYTES = 256 << 20
BATCH_FILES = 2000
MOST_SIDE_BY_SIDE = 4  # batches that are read at once: each holds its rows in memory

Log = Callable[[str], None]


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


@dataclass(frozen=True)
class _Group:
    """Files of one batch. A large object is alone: beside others it might not fit into memory."""

    jobs: list[Job]
    is_alone: bool = False


class _FeedLoad:
    """One feed's load in one run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, settings: Settings, feed: Feed, log: Log) -> None:
        self.connection = connection
        self.settings = settings
        self.feed = feed
        self.log = log
        self.manifest = Manifest.read(connection, feed.name)
        self.summary = FeedSummary(feed.name)

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
            jobs = [Job(file, pool.submit(_scan, file)) for file in changed]
            for batch in self._loaded(self._groups(jobs), links):
                for text in batch.said:
                    self.log(text)
                self.summary.add(batch.summary)
                done += len(batch.jobs) - len(batch.postponed)
                progress.tell(done, self.summary.records, self.summary.size_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(links, ignore_errors=True)
        self._remove_gone({file.path for file in found})
        self.summary.seconds = time.monotonic() - started
        return self.summary

    def _is_unchanged(self, file: FoundFile) -> bool:
        known = self.manifest.paths.get(file.path)
        if file.problem == "unreadable_file" or known is None:
            return False
        return (file.size, file.mtime_ns, file.format) == (known[0], known[1], known[3])

    def _groups(self, jobs: list[Job]) -> Iterator[_Group]:
        """Files that one statement may read: of one kind, bounded in bytes, large objects alone."""
        for shape in ("", "json", "jsonl"):
            group: list[Job] = []
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
                if alone:
                    yield _Group([job], is_alone=True)
                    continue
                if group and (weight + size > BATCH_BYTES or len(group) >= BATCH_FILES):
                    yield _Group(group)
                    group, weight = [], 0
                group.append(job)
                weight += size
            if group:
                yield _Group(group)

    def _loaded(self, groups: Iterator[_Group], links: Path) -> Iterator[Batch]:
        """Load all groups; each batch as soon as it is committed."""
        first = list(islice(groups, 2))
        after_all: list[list[Job]] = []
        if len(first) < 2:
            after_all += [group.jobs for group in first]
        else:
            yield from self._side_by_side(chain(first, groups), links, after_all)
        while after_all:
            yield from self._one_by_one(after_all.pop(0), links)

    def _side_by_side(self, groups: Iterable[_Group], links: Path, after_all: list[list[Job]]) -> Iterator[Batch]:
        """Load several groups at once, one thread each; what needs the memory for itself is left in `after_all`."""
        turns = _Turns()

        def load(number: int, jobs: list[Job]) -> Batch | None:
            connection, folder = free.get(), links / str(number)
            batch = Batch(connection, self.settings, self.feed, self.manifest, jobs, folder)
            try:
                with turns.told_of_failure(number):
                    folder.mkdir()
                    has_room = _fits(batch.read)
                    with turns.turn("plan", number):
                        if has_room:
                            batch.plan()
                    has_room = has_room and _fits(batch.write)
                    with turns.turn("commit", number):
                        if has_room and _fits(batch.commit):
                            return batch
                        batch.close()
                        return None
            finally:
                batch.close()
                free.put(connection)

        def finished() -> Iterator[Batch]:
            jobs, future = waiting.popleft()
            batch = future.result()
            if batch is None:
                for job in jobs:
                    job.forget()
                after_all.append(jobs)
            else:
                after_all.extend([batch.postponed] if batch.postponed else [])
                yield batch

        threads = self.connection.execute("select current_setting('threads')").fetchall()[0][0]
        at_once = min(threads, MOST_SIDE_BY_SIDE)
        connections = [second_connection(self.connection) for _ in range(at_once)]
        free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for connection in connections:
            free.put(connection)
        self.connection.execute(f"set threads = {threads - at_once + 1}")  # besides those that call
        pool = ThreadPoolExecutor(at_once, "load")
        waiting: deque[tuple[list[Job], Future[Batch | None]]] = deque()
        number = 0
        try:
            for group in groups:
                if group.is_alone:
                    after_all.append(group.jobs)
                    continue
                waiting.append((group.jobs, pool.submit(load, number, group.jobs)))
                number += 1
                if len(waiting) > at_once:
                    yield from finished()
            while waiting:
                yield from finished()
        finally:
            turns.fail(-1)
            pool.shutdown(cancel_futures=True)
            for connection in connections:
                connection.close()
            self.connection.execute(f"set threads = {threads}")

    def _one_by_one(self, jobs: list[Job], links: Path) -> Iterator[Batch]:
        """Load some files with nothing beside them; what does not fit into memory, file by file and by hand."""
        batch = Batch(self.connection, self.settings, self.feed, self.manifest, jobs, links)
        try:
            for step in (batch.read, batch.plan, batch.write, batch.commit):
                step()
        except duckdb.OutOfMemoryException:
            batch.close()
            for job in jobs:
                job.forget()
            if len(jobs) > 1:
                middle = len(jobs) // 2
                yield from self._one_by_one(jobs[:middle], links)
                yield from self._one_by_one(jobs[middle:], links)
            elif not jobs[0].is_by_hand:
                jobs[0].is_by_hand = True
                yield from self._one_by_one(jobs, links)
            else:
                raise
        else:
            yield batch
        finally:
            batch.close()

    def _remove_gone(self, present: set[str]) -> None:
        """Remove the paths that are gone, and the contents that no path carries any more; a run that died left some."""
        known = self.connection.execute(
            "select path from raw.landing_files where feed = ?", [self.feed.name]
        ).fetchall()
        gone = [path for (path,) in known if path not in present]
        with transaction(self.connection):
            if gone:
                self.connection.execute(
                    "delete from raw.landing_files where path in (select unnest(?::varchar[]))", [gone]
                )
            remove_orphans(self.connection, self.feed)
        self.summary.removed = len(gone)
        for table in TEMPORARY_TABLES:
            self.connection.execute(f"drop table if exists temp.{table}")


class _Turns:
    """Threads take turns by number, at each step. Where one has failed, those after it give up instead of waiting."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.next: Counter[str] = Counter()
        self.failed: float = math.inf

    @contextmanager
    def turn(self, step: str, number: int) -> Iterator[None]:
        """Wait for a number's turn. Raises CancelledError when it will not come."""
        with self.changed:
            self.changed.wait_for(lambda: self.next[step] == number or self.failed < number)
            if self.failed < number:
                raise CancelledError
        yield
        with self.changed:
            self.next[step] += 1
            self.changed.notify_all()

    @contextmanager
    def told_of_failure(self, number: int) -> Iterator[None]:
        """Let nobody wait for a number that fails."""
        try:
            yield
        except BaseException:
            self.fail(number)
            raise

    def fail(self, number: int) -> None:
        """No number after this one has a turn any more."""
        with self.changed:
            self.failed = min(self.failed, number)
            self.changed.notify_all()


def _fits(step: Callable[[], None]) -> bool:
    """Take a step; False where memory does not suffice for it."""
    try:
        step()
    except duckdb.OutOfMemoryException:
        return False
    return True


def _scan(file: FoundFile) -> Scan:
    """The scan of a file in the hashing thread; of what must not be opened, a stand-in for its hash."""
    if file.problem and file.problem != "unknown_file_type":
        return Scan(records.sha256(f"{file.problem}:{file.path}".encode()), 0, 0, 0, b"", file.problem)
    return scan(file)


def _plain_folder(folder: Path) -> str | None:
    """The folder, if its name means only itself to DuckDB; None (the system's own) if it has wildcards in it."""
    return None if any(character in str(folder) for character in "*?[]{}") else str(folder)
