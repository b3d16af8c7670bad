"""The reference CSV files in force, checked row by row, as raw.accounts, raw.sites, raw.contracts and raw.credits.

What belongs here: which file is in force, its rows into the tables, a reason and a place for every refused row.
What does not: how a file is read (reference_rows), what its values may be (reference_checks), rates and plans
(policy seeds), which contract holds on a date (dbt).

The data is tiny and is read anew at every run; everything is replaced in one transaction. A later row loses
against an earlier accepted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb

from orchestration.files import FoundFile, find_files, printable, scan
from orchestration.records import DETAILS, sha256
from orchestration.reference_checks import Checks, Policy
from orchestration.reference_rows import TABLES, RefusedError, Row, read_rows
from orchestration.settings import Settings

FEED = "reference"
LOADER_VERSION = "1"
OPTIONAL_KIND = "credits"
Log = Callable[[str], None]


@dataclass
class _Content:
    """A reference file and what became of it."""

    file: FoundFile
    kind: str | None
    sha256: str
    content: int = 0
    records: int = 0
    # line, record_kind, reason, detail, record_hash
    rejects: list[tuple[int | None, str, str, str, str]] = field(default_factory=list)

    def refuse(self, row: Row, error: RefusedError) -> None:
        self.rejects.append((row.line, "row", error.reason, error.detail, row.digest))

    def refuse_file(self, reason: str, detail: str) -> None:
        self.rejects.append((None, "file", reason, detail, self.sha256))


@dataclass
class ReferenceSummary:
    """What is in force after a run."""

    files: int = 0
    in_force: dict[str, str] = field(default_factory=dict)  # kind -> path
    rows: dict[str, int] = field(default_factory=dict)
    rejects: int = 0
    seconds: float = 0.0


def load_reference(connection: duckdb.DuckDBPyConnection, settings: Settings, log: Log = print) -> ReferenceSummary:
    """Replace the reference tables by the rows of the files in force; refused rows are listed with line and reason.

    LedgerError if the policy rows that they are checked against cannot be read.
    """
    started = time.monotonic()
    policy = Policy.read(settings)
    contents = [_describe(file) for file in find_files(settings.landing, FEED, log)]
    in_force: dict[str, _Content] = {}
    for content in contents:
        if content.file.problem:
            content.refuse_file(content.file.problem, DETAILS[content.file.problem])
        elif content.kind is None:
            content.refuse_file(
                "unknown_reference_file",
                "The name begins with none of accounts, sites, contracts, credits: rename or remove the file.",
            )
        elif content.file.path not in policy.withdrawn:
            in_force[content.kind] = content  # files come in the order of their paths
    checks = Checks(policy)
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for kind in TABLES:
        rows[kind] = list(_accepted(in_force[kind], checks)) if kind in in_force else []
        if kind not in in_force and kind != OPTIONAL_KIND:
            log(f"reference: there is no {kind}*.csv in landing/reference")
    _write(connection, contents, {in_force[kind].file.path: kind for kind in in_force}, rows)
    rejects = sum(len(content.rejects) for content in contents)
    for content in contents:
        for line, _, reason, detail, _ in content.rejects[:20]:
            place = f", line {line}" if line else ""
            log(f"{printable(content.file.path)}{place}: {reason}. {printable(detail)}")
    return ReferenceSummary(
        files=len(contents),
        in_force={kind: content.file.path for kind, content in in_force.items()},
        rows={kind: len(accepted) for kind, accepted in rows.items()},
        rejects=rejects,
        seconds=time.monotonic() - started,
    )


def _describe(file: FoundFile) -> _Content:
    name = file.path.rsplit("/", 1)[-1].lower()
    kind = next((kind for kind in TABLES if name.startswith(kind)), None)
    if file.problem and file.problem != "unknown_file_type":
        return _Content(file, kind, sha256(f"{file.problem}:{file.path}".encode()))
    return _Content(file, kind, scan(file).sha256)


def _accepted(content: _Content, checks: Checks) -> Iterator[tuple[Any, ...]]:
    """The rows of a file that pass, as (line, *values in the order of the table); the others are refused."""
    kind = content.kind or ""
    try:
        for row, fault in read_rows(content.file, kind):
            content.records += 1
            try:
                if fault:
                    raise fault
                values = checks.values(kind, row)
            except RefusedError as error:
                content.refuse(row, error)
            else:
                yield row.line, *values
    except RefusedError as error:
        content.records += 1
        content.refuse_file(error.reason, error.detail)


def _write(
    connection: duckdb.DuckDBPyConnection,
    contents: list[_Content],
    in_force: dict[str, str],
    rows: dict[str, list[tuple[Any, ...]]],
) -> None:
    """Replace manifest, refused rows and tables in one transaction."""
    known = {
        (path, digest): content
        for path, digest, content in connection.execute(
            "select path, sha256, content_id from raw.landing_files where feed = ?", [FEED]
        ).fetchall()
    }
    last = connection.execute("select coalesce(max(content_id), 0) from raw.landing_contents").fetchone()
    following = (int(last[0]) if last else 0) + 1
    # A content of this feed is one path's: what a row is checked for depends on the name of its file.
    for content in contents:
        content.content = known.get((content.file.path, content.sha256), 0)
        if not content.content:
            content.content, following = following, following + 1
    owners = {in_force[content.file.path]: content.content for content in contents if content.file.path in in_force}
    connection.begin()
    try:
        _write_manifest(connection, contents)
        for kind, columns in TABLES.items():
            connection.execute(f"delete from raw.{kind}")
            _insert(
                connection,
                kind,
                (("content_id", "bigint"), ("record_index", "bigint"), *columns),
                [(owners[kind], *row) for row in rows[kind]],
            )
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[tuple[str, str], ...],
    rows: list[tuple[Any, ...]],
) -> None:
    if rows:
        lists = [list(column) for column in zip(*rows, strict=True)]
        values = ", ".join(f"unnest(?::{kind}[])" for _, kind in columns)
        names = ", ".join(name for name, _ in columns)
        connection.execute(f"insert into raw.{table} ({names}) select {values}", lists)


def _write_manifest(connection: duckdb.DuckDBPyConnection, contents: list[_Content]) -> None:
    execute = connection.execute
    execute(
        "delete from raw.rejected_records where content_id in "
        "(select content_id from raw.landing_contents where feed = ?)",
        [FEED],
    )
    execute("delete from raw.landing_files where feed = ? and path not in (select unnest(?::varchar[]))", [
        FEED, [content.file.path for content in contents],
    ])  # fmt: skip
    execute("delete from raw.landing_contents where feed = ? and content_id not in (select unnest(?::bigint[]))", [
        FEED, [content.content for content in contents],
    ])  # fmt: skip
    for content in contents:
        file = content.file
        execute(
            "insert or replace into raw.landing_files values (?, ?, ?, ?, ?, ?)",
            [file.path, FEED, content.sha256, file.size, file.mtime_ns, content.content],
        )
        execute(
            "insert or replace into raw.landing_contents values (?, ?, ?, ?, ?, ?, ?, null, null, ?)",
            [
                content.content, FEED, file.format, content.sha256, file.size, content.records or len(content.rejects),
                len(content.rejects), LOADER_VERSION,
            ],
        )  # fmt: skip
    _insert(
        connection,
        "rejected_records",
        (
            ("content_id", "bigint"),
            ("record_index", "bigint"),
            ("record_kind", "varchar"),
            ("reason", "varchar"),
            ("detail", "varchar"),
            ("record_hash", "varchar"),
        ),
        [(content.content, *reject) for content in contents for reject in content.rejects],
    )
