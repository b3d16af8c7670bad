"""What Spark's executors do in Python: hash a file's bytes, cut them into records, read some records exactly.

What belongs here: functions over Arrow batches of files, for mapInArrow; they call files.py and records.py, the same
that the DuckDB loader calls, so that both engines have one judge. What does not: SQL, the driver, DuckDB (executors
need pyarrow and zstandard only). Nothing but projected fields and hashes comes out of a second reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from orchestration.files import (
    UTF8_MARK,
    UTF16_MARKS,
    Scan,
    UnreadableError,
    cut_lines,
    decompressed,
    format_of,
    join_all,
    pieces,
    scan_bytes,
)
from orchestration.records import BrokenError, Judge, Reading, Reject, read_line, read_object, read_page, sha256

MOST_LINES = 1 << 24  # in one content: conversation_copy_id = content_id * this + line
LARGEST_FOR_SPARK = 64 << 20  # bytes of one JSON object given to Spark's reader; a larger one is read exactly
LARGEST_READ_AGAIN = 256 << 20  # bytes of one JSON object that Python reads
BATCH_BYTES, BATCH_ROWS = 8 << 20, 10_000

SCANNED = "path string, format string, size_bytes bigint, mtime_ns bigint, sha256 string, reason string"
CUT = "content_id bigint, record_index bigint, data binary"
READ_AGAIN = (
    "content_id bigint, outcome string, record_index bigint, item_index int, record_kind string, reason string, "
    "record_hash string, text string, metadata string, total bigint"
)
RECORD, REJECT, PAGE, FILE = "record", "reject", "page", "file"
Batches = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

_ARROW = {"string": pa.string(), "bigint": pa.int64(), "int": pa.int32(), "binary": pa.binary()}


@dataclass
class _Rows:
    """Rows in hand on their way into Arrow batches of bounded size."""

    ddl: str
    rows: list[tuple] = field(default_factory=list)
    size: int = 0

    def add(self, row: tuple, size: int = 100) -> Iterator[pa.RecordBatch]:
        """Take a row; give a batch when there is enough for one."""
        self.rows.append(row)
        self.size += size
        if self.size > BATCH_BYTES or len(self.rows) >= BATCH_ROWS:
            yield from self.flush()

    def flush(self) -> Iterator[pa.RecordBatch]:
        """What is in hand as a batch."""
        if self.rows:
            schema = pa.schema(
                [(name, _ARROW[kind]) for name, kind in (column.split() for column in self.ddl.split(", "))]
            )
            columns = list(zip(*self.rows, strict=True))
            self.rows, self.size = [], 0
            yield pa.RecordBatch.from_arrays(
                [pa.array(column, part.type) for column, part in zip(columns, schema, strict=True)], schema=schema
            )


def _files(batches: Iterator[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    """One file at a time, so that no more than one is held as Python's bytes."""
    for batch in batches:
        names = batch.schema.names
        for place in range(batch.num_rows):
            yield {name: batch.column(number)[place].as_py() for number, name in enumerate(names)}


def scan_files(feed: str) -> Batches:
    """(path, size_bytes, mtime_ns, content) to SCANNED: format, SHA-256, and the reason why a file is unusable."""

    def scan(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = _Rows(SCANNED)
        for file in _files(batches):
            file_format = format_of(file["path"].rpartition("/")[2], feed)
            shape, _, compression = (file_format or "").partition(".")
            found = scan_bytes(pieces(file["content"] or b""), shape, compression)
            reason = _fault_of_bytes(found, shape, compression) if file_format else "unknown_file_type"
            row = (file["path"], file_format or reason, file["size_bytes"], file["mtime_ns"], found.sha256, reason)
            yield from rows.add(row)
        yield from rows.flush()

    return scan


def _fault_of_bytes(scan: Scan, shape: str, compression: str) -> str | None:
    """What makes a whole file unusable before anything is parsed, as the DuckDB loader finds it."""
    if scan.problem:
        return scan.problem
    if scan.size == 0 and not compression:
        return "empty_file" if shape == "json" else None
    if scan.head.startswith(UTF16_MARKS):
        return "not_utf8"
    if shape == "json":
        if scan.head.startswith(UTF8_MARK):
            return "byte_order_mark"
        return "object_too_large" if scan.size > LARGEST_READ_AGAIN else None
    return "too_many_records" if scan.lines >= MOST_LINES else None


def cut_files(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """(content_id, format, content) to CUT: a row for each line that is not blank, or one (index 0) for a .json file.

    An object too large for Spark's reader comes without its bytes.
    """
    rows = _Rows(CUT)
    for file in _files(batches):
        shape, _, compression = file["format"].partition(".")
        source = decompressed(pieces(file["content"] or b""), compression)
        if shape == "json":
            try:
                data = join_all(source, LARGEST_FOR_SPARK)
            except UnreadableError:
                data = None
            yield from rows.add((file["content_id"], 0, data), len(data or b""))
            continue
        for line, data, _ in cut_lines(source, LARGEST_FOR_SPARK):
            if data is None or data.strip():
                yield from rows.add((file["content_id"], line, data), 50 + len(data or b""))
    yield from rows.flush()


def read_again(judge: Judge, object_kind: str, has_pages: bool) -> Batches:
    """(content_id, format, sha256, places, content) to READ_AGAIN: the records at these places, or all where null.

    A row with the outcome FILE says that nothing of the content can be used, whatever other rows say.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = _Rows(READ_AGAIN)
        for file in _files(batches):
            shape, _, compression = file["format"].partition(".")
            source = decompressed(pieces(file["content"] or b""), compression)
            wanted = None if file["places"] is None else set(file["places"])
            content_id = file["content_id"]
            try:
                for reading in _readings(source, shape, wanted, judge, has_pages):
                    is_page = has_pages and shape == "json" and wanted is None
                    for row, size in _outcomes(content_id, reading, is_page):
                        yield from rows.add(row, size)
            except (BrokenError, UnreadableError) as error:
                kind = object_kind if shape == "json" else "file"
                row = (content_id, FILE, None, None, kind, error.reason, file["sha256"], None, None, None)
                yield from rows.add(row)
        yield from rows.flush()

    return read


def _readings(
    source: Iterator[bytes], shape: str, wanted: set[int] | None, judge: Judge, has_pages: bool
) -> Iterator[Reading]:
    if shape == "json":
        reading = Reading()
        data = join_all(source, LARGEST_READ_AGAIN)
        if has_pages:
            read_page(data, judge, wanted, reading)
        else:
            read_object(data, judge, reading)
        yield reading
        return
    for line, data, digest in cut_lines(source, LARGEST_READ_AGAIN):
        if (wanted is not None and line not in wanted) or (data is not None and not data.strip()):
            continue
        reading = Reading()
        if data is None:
            reading.refuse([Reject(line, None, "line", "object_too_large", digest or sha256(b""))])
        else:
            read_line(data, line, judge, reading)
        yield reading


def _outcomes(content_id: int, reading: Reading, is_page: bool) -> Iterator[tuple[tuple, int]]:
    for index, text in reading.records:
        yield (content_id, RECORD, index, None, None, None, None, text, None, None), 100 + len(text)
    for one in reading.rejects:
        row = (one.record_index, one.item_index, one.kind, one.reason, one.record_hash)
        yield (content_id, REJECT, *row, None, None, None), 200
    if is_page:
        text = reading.metadata or "{}"
        yield (content_id, PAGE, None, None, None, None, None, None, text, reading.total), 100 + len(text)
