"""A batch of files, read into temporary tables: by DuckDB, and what it leaves with holes once more.

What belongs here: what DuckDB reads and how what it leaves is read again. What does not: the raw tables (batch); bytes
(files); the exact second reading of a record (records).

One DuckDB statement with a projected schema reads all files of a batch; content and personal fields are never
materialised. Records with holes (a broken line, a missing key, a list that is not one) are read again in Python, which
either hands back the projected record or names the reason. Of doubled JSON keys the first counts. DuckDB's reader takes
some JSON that the standard does not (a trailing comma, NaN in a field that is not read): so does this loader.
"""

from __future__ import annotations

import json
from array import array
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration import records
from orchestration.event_feeds import RECORDS_PER_CONTENT, Feed
from orchestration.files import UTF8_MARK, UTF16_MARKS, FoundFile, Scan, UnreadableError, read_all, read_lines
from orchestration.leaves import duckdb_type
from orchestration.records import BrokenError, Reading, Reject

DEFAULT_OBJECT_BYTES = 16 << 20  # DuckDB's own default; a larger object is loaded in a batch of its own
LARGEST_OBJECT_BYTES = 1 << 30
SMALLEST_OBJECT_CEILING = 64 << 20
LARGEST_READ_AGAIN = 256 << 20  # bytes of one object: Python's reading takes a dozen times as much
MOST_SUSPICIOUS = 1_000_000  # records of a file: above, all of it is read again
LINES_AT_ONCE = 100_000
TEMPORARY_TABLES = ("landed", "mended", "landed_pages", "refused", "landed_files", "landed_lines")


@dataclass(eq=False)
class Job:
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
        """What the hashing thread found; waits for it."""
        return self.scanned.result()

    @property
    def key(self) -> tuple[str, str]:
        """What the file's content is known by."""
        return self.file.format, self.scan.sha256

    def forget(self) -> None:
        """As before it was read."""
        self.content, self.first_row, self.lines, self.rejects, self.refused = 0, None, None, [], 0


def field_names(feed: Feed, prefix: str = "") -> str:
    """The columns of a feed's records in the temporary tables, separated by commas."""
    return ", ".join(f'{prefix}"{key}"' for key in feed.shape)


def refuse_file(feed: Feed, job: Job, reason: str) -> None:
    """Reject a file as a whole."""
    kind = feed.object_kind if job.file.shape == "json" and not job.file.problem else "file"
    job.rejects = [Reject(None, None, kind, reason, job.scan.sha256)]


class BatchReader:
    """Fills the temporary tables `landed`, `mended`, `landed_pages` and `refused` of a connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, feed: Feed, links: Path) -> None:
        self.connection = connection
        self.feed = feed
        self.links = links
        self.ceiling = _object_ceiling(connection)

    def fault_of_bytes(self, job: Job) -> str | None:
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

    def read(self, jobs: list[Job]) -> None:
        """Fill the temporary tables: `landed` (DuckDB's reading), `mended` (the second reading), `landed_pages`.

        Nothing here is inside a transaction: a statement that DuckDB gives up is simply tried another way.
        """
        execute = self.connection.execute
        metadata = duckdb_type(records.PAGE_METADATA)
        columns = ", ".join(f'"{key}" {duckdb_type(part)}' for key, part in self.feed.shape.items())
        execute(
            "create or replace temp table landed "
            f"(file_no integer, ordinal bigint, page_records bigint, metadata {metadata}, {columns})"
        )
        execute(f"create or replace temp table mended (file_no integer, record_index bigint, {columns})")
        execute(
            f"create or replace temp table landed_pages (file_no integer, metadata {metadata}, page_records bigint)"
        )
        execute(
            "create or replace temp table refused (file_no integer, record_index bigint, item_index integer, "
            "record_kind varchar, reason varchar, record_hash varchar)"
        )
        by_hand = {job.number for job in jobs if job.is_by_hand}
        by_hand |= self._read_with_duckdb([job for job in jobs if job.file.size and not job.is_by_hand])
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

    def _read_with_duckdb(self, jobs: list[Job]) -> set[int]:
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
                self._read_statement(jobs, limit)
                return set()
            except duckdb.Error:
                if len(jobs) == 1 and (jobs[0].file.shape == "json" or jobs[0].scan.longest_line + 4096 <= limit):
                    return {jobs[0].number}
        if len(jobs) == 1:
            return self._read_with_duckdb(jobs)
        middle = len(jobs) // 2
        return self._read_with_duckdb(jobs[:middle]) | self._read_with_duckdb(jobs[middle:])

    def _read_statement(self, jobs: list[Job], limit: int) -> None:
        # Links under plain names: quotes, stars and other bytes in a file's name then mean nothing to DuckDB.
        names = []
        for job in jobs:
            link = self.links / f"{job.number}.{job.file.format}"
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
                select file_no, ordinal, page_records, _metadata, {field_names(self.feed, "record.")}
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
            statement = f"insert into landed select {number}, null, null, null, {field_names(self.feed)} from {source}"
        threads = self.connection.execute("select current_setting('threads')").fetchone()
        if limit > SMALLEST_OBJECT_CEILING:  # every thread holds twice the limit
            self.connection.execute("set threads = 1")
        try:
            self.connection.execute(statement)
        finally:
            if limit > SMALLEST_OBJECT_CEILING and threads:
                self.connection.execute(f"set threads = {int(threads[0])}")

    def _place_lines(self, jobs: list[Job], by_hand: set[int]) -> set[int]:
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

    def _place_objects(self, jobs: list[Job]) -> set[int]:
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

    def _suspicious(self, jobs: list[Job]) -> dict[int, set[int]]:
        """The records that have to be read again: places by file."""
        queries = [f"select rowid as row from landed where {' or '.join(self.feed.suspicious)}"]
        queries += [
            f"select row from (select rowid as row, unnest({path}) as item from landed) where {condition}"
            for path, condition in self.feed.items
        ]
        found = self.connection.execute(
            f"""
            select file_no, rowid, ordinal from landed where rowid in ({" union all ".join(queries)})
            qualify row_number() over (partition by file_no) <= {MOST_SUSPICIOUS}"""
        )
        places: dict[int, set[int]] = {}
        first = {job.number: job.first_row or 0 for job in jobs}
        while rows := found.fetchmany(LINES_AT_ONCE):
            for number, row, ordinal in rows:
                places.setdefault(number, set()).add(row - first[number] + 1 if ordinal is None else ordinal)
        return places

    def _read_again(self, job: Job, wanted: set[int] | None) -> None:
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
            refuse_file(self.feed, job, error.reason)

    def _take_over(self, job: Job, usable: list[tuple[int, str]], rejects: list[Reject]) -> None:
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

    def _read_lines_again(self, job: Job, wanted: set[int] | None, reading: Reading) -> None:
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

    def _read_object_again(self, job: Job, wanted: set[int] | None, reading: Reading) -> None:
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

    def _mend(self, job: Job, read: list[tuple[int, str]]) -> None:
        if read:
            self.connection.execute(
                f"""
                insert into mended
                select {job.number}, record_index, {field_names(self.feed, "record.")}
                from (
                    select
                        unnest($places::bigint[]) as record_index,
                        from_json(unnest($texts::varchar[]), '{json.dumps(self.feed.shape)}') as record
                )""",
                {"places": [place for place, _ in read], "texts": [text for _, text in read]},
            )


def _head(file: FoundFile) -> bytes:
    try:
        with open(file.location, "rb") as handle:
            return handle.read(4)
    except OSError:
        return b""


def _object_ceiling(connection: duckdb.DuckDBPyConnection) -> int:
    """The largest JSON object in bytes that is given to DuckDB: an eighth of its memory ceiling, within bounds."""
    limit = connection.execute("select current_setting('memory_limit')").fetchone()
    number, unit = str(limit[0] if limit else "0 B").split()
    power = "BKMGTP".find(unit[0].upper()) if unit[0].upper() in "KMGTP" else 0
    size = float(number) * (1024 if "i" in unit else 1000) ** power
    return int(min(max(size / 8, SMALLEST_OBJECT_CEILING), LARGEST_OBJECT_BYTES))
