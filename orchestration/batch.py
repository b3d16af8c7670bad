"""A batch of files: read into temporary tables of one connection, then written to the raw tables in one transaction.

What belongs here: rows, rejected records and manifest rows of a batch. What does not: how its files are read
(batch_reading); which files are read together, and in which order they are written (landing); the shape of a feed
(event_feeds).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from orchestration import manifest
from orchestration.batch_reading import LINES_AT_ONCE, BatchReader, Job, field_names, refuse_file
from orchestration.event_feeds import INSERTS, Feed
from orchestration.files import printable
from orchestration.leaves import clean
from orchestration.records import DETAILS
from orchestration.settings import Settings, hmac_blocks

EARLIEST_INSTANT = "timestamptz '2000-01-01 00:00:00+00'"
LATEST_INSTANT = "timestamptz '9999-01-01 00:00:00+00'"


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

    def add(self, other: FeedSummary) -> None:
        """Count what a batch did."""
        for name in ("new", "left", "records", "rejects", "size_bytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):
            connection.rollback()
        raise


class Batch:
    """Files that one statement may read: `read`, `plan`, `write`, `commit`, `close`.

    `read` and `write` run beside those of other batches, `plan` and `commit` alone and in the order of the batches.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        settings: Settings,
        feed: Feed,
        known: manifest.Manifest,
        jobs: list[Job],
        links: Path,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.feed = feed
        self.manifest = known  # changed by plan() and close()
        self.jobs = jobs
        self.summary = FeedSummary(feed.name)
        self.said: list[str] = []  # for the log
        self.postponed: list[Job] = []  # to be read after all: the content that they had in common did not come
        self.reader = BatchReader(connection, feed, links)
        self.adopted: list[Job] = []  # files whose content is known: path rows to write
        self.refused: list[Job] = []  # files of which nothing can be used
        self.readable: list[Job] = []
        self.known: list[tuple[Job, int]] = []  # files whose content is there, or comes with a batch before
        self.kept: list[Job] = []  # files that bring a new content
        self.is_open = False  # a transaction of this batch
        self.is_committed = False

    def read(self) -> None:
        """Fill the connection's temporary tables; nothing is written to the raw tables."""
        for job in self.jobs:
            if self._has_known_size(job) and self._known_content(job) is not None:
                self.adopted.append(job)
                continue
            reason = job.file.problem or self.reader.fault_of_bytes(job)
            if reason:
                refuse_file(self.feed, job, reason)
                self.refused.append(job)
            else:
                self.readable.append(job)
        self.readable.sort(key=lambda job: job.file.size == 0)  # empty files are not given to DuckDB
        for number, job in enumerate(self.readable):
            job.number = number
        if self.readable:
            self.reader.read(self.readable)

    def plan(self) -> None:
        """Give new contents their numbers, and find out which files carry a content that is known; in turn."""
        for job in self.adopted:
            content = self._known_content(job)
            if content is None:
                self.postponed.append(job)
            elif job.file.problem is None and job.file.has_changed():
                self._leave(job)
            else:
                self.known.append((job, content))
        for job in self.refused + self.readable:
            unreadable = job.scan.problem == "unreadable_file" and job.file.problem is None
            may_have_changed = job.file.problem in (None, "unknown_file_type")
            content = self._known_content(job)
            if unreadable or (may_have_changed and job.file.has_changed()):
                self._leave(job)
            elif content is not None:
                self.known.append((job, content))
            else:
                job.content = self.manifest.take(job.key, job.file.size)
                self.kept.append(job)

    def write(self) -> None:
        """Write rows, rejected records and contents, in a transaction that stays open."""
        self.connection.begin()
        self.is_open = True
        if self.kept:
            readable = set(self.readable)
            self._write(self.kept, [job for job in self.kept if job in readable])

    def commit(self) -> None:
        """Write the paths and commit; in turn. Contents that no path carries any more stay until all is loaded."""
        for job, content in self.known:
            if self._known_content(job) != content:  # another batch was to bring it, and did not fit
                self.postponed.append(job)
        self.known = [(job, content) for job, content in self.known if job not in self.postponed]
        self._write_paths([(job, job.content) for job in self.kept] + self.known)
        self.connection.commit()
        self.is_open = False
        self.is_committed = True
        self.summary.new += len(self.kept) + sum(self._is_new(job, content) for job, content in self.known)
        self.summary.size_bytes += sum(job.file.size for job in self.kept)

    def close(self) -> None:
        """Unless it was committed: undo what was written, and let nobody count on what was to come."""
        if self.is_open:
            self.is_open = False
            with suppress(duckdb.Error):
                self.connection.rollback()
        if not self.is_committed:
            for job in self.kept:
                self.manifest.contents.pop(job.key, None)

    def _has_known_size(self, job: Job) -> bool:
        """Whether a known content has this size; if none has, none is the same: no need to wait for the hash."""
        return (job.file.format, job.file.size) in self.manifest.sizes

    def _known_content(self, job: Job) -> int | None:
        """The content of a file that the raw tables hold already, or that a batch is about to bring."""
        return self.manifest.contents.get(job.key)

    def _is_new(self, job: Job, content: int) -> bool:
        """Whether a path did not carry a content before this run."""
        was = self.manifest.paths.get(job.file.path)
        return was is None or was[2] != content

    def _leave(self, job: Job) -> None:
        self.summary.left += 1
        self.said.append(f"{printable(job.file.path)} changed while it was read: left for the next run")

    # -- inside one transaction

    def _write(self, kept: list[Job], parsed: list[Job]) -> None:
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
                "version": manifest.LOADER_VERSION,
            },
        )
        self.summary.records += sum(count[0] for count in counts.values())
        self.summary.rejects += sum(len(job.rejects) + job.refused for job in kept)

    def _write_rows(self, parsed: list[Job]) -> None:
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
            f"(select landed_files.content_id, {place} as record_index, {field_names(self.feed, 'landed.')} "
            f"from landed join landed_files on landed_files.file_no = landed.file_no {more})"
        ]
        if execute("select 1 from mended limit 1").fetchone():
            sources.append(
                f"(select landed_files.content_id, mended.record_index, {field_names(self.feed, 'mended.')} "
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

    def _write_paths(self, rows: list[tuple[Job, int]]) -> None:
        paths = [(job.file, job.scan.sha256, content) for job, content in rows]
        manifest.write_paths(self.connection, self.feed, paths)
