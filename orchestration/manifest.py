"""The manifest: which path carries which content, and which contents the raw tables hold.

What belongs here: what is known of files, and the removal of contents that no file carries. What does not: reading
files (batch).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.event_feeds import Feed
from orchestration.files import FoundFile

LOADER_VERSION = "2"  # another version makes every content be parsed anew


@dataclass
class Manifest:
    """What the raw tables hold now: paths with their content, and contents by identity."""

    paths: dict[str, tuple[int, int, int, str]]  # path -> size, mtime, content, format
    contents: dict[tuple[str, str], int]  # format, SHA-256 -> content
    sizes: set[tuple[str, int]]  # formats and sizes that known contents have
    next_content: int

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, feed: str) -> Manifest:
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

    def take(self, identity: tuple[str, str], size: int) -> int:
        """The number of a content that is about to come (format and SHA-256; bytes): known from now on."""
        number = self.next_content
        self.next_content += 1
        self.contents[identity] = number
        self.sizes.add((identity[0], size))
        return number


def write_paths(connection: duckdb.DuckDBPyConnection, feed: Feed, rows: Sequence[tuple[FoundFile, str, int]]) -> None:
    """Write the path rows of files (file, SHA-256, content), inside the caller's transaction."""
    if rows:
        connection.execute(
            """
            insert or replace into raw.landing_files
            select
                unnest($paths::varchar[]), $feed, unnest($hashes::varchar[]), unnest($sizes::bigint[]),
                unnest($mtimes::bigint[]), unnest($contents::bigint[])""",
            {
                "paths": [file.path for file, _, _ in rows],
                "feed": feed.name,
                "hashes": [sha256 for _, sha256, _ in rows],
                "sizes": [file.size for file, _, _ in rows],
                "mtimes": [file.mtime_ns for file, _, _ in rows],
                "contents": [content for _, _, content in rows],
            },
        )


def remove_orphans(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """Remove the contents that no path carries any more with their raw rows, inside the caller's transaction."""
    orphans = [
        content
        for (content,) in connection.execute(
            "select content_id from raw.landing_contents where feed = ? "
            "and content_id not in (select content_id from raw.landing_files)",
            [feed.name],
        ).fetchall()
    ]
    if orphans:
        if "conversations" in feed.tables:
            connection.execute(
                "insert into raw.removed_conversations select distinct content_id, site_id, conversation_id "
                "from raw.conversations where content_id in (select unnest(?::bigint[]))",
                [orphans],
            )
        for table in (*feed.tables, "rejected_records", "landing_contents"):
            connection.execute(f"delete from raw.{table} where content_id in (select unnest(?::bigint[]))", [orphans])
