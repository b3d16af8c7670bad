"""Which files are there and what they are: listed by Hadoop's file system, hashed on executors, numbered by content.

What belongs here: paths, hashes, content ids. What does not: what the bytes mean (exact.py, loader.py).
No file's bytes and no event come to the driver: it sees names and sizes where Spark's own listing leaves files out.
"""

from __future__ import annotations

from typing import Any

from orchestration.files import is_hidden
from orchestration.settings import LedgerError
from orchestration.spark import exact

BUCKET = 3  # hex digits of the hash: contents are counted in 4096 buckets, and numbered bucket by bucket


def hadoop_path(spark: Any, place: str) -> tuple[Any, Any]:
    """The file system of a folder given as an address or a path, and the folder with its full address."""
    path = spark._jvm.org.apache.hadoop.fs.Path(place)
    system = path.getFileSystem(spark._jsc.hadoopConfiguration())
    return system, system.makeQualified(path)


def has_folder(spark: Any, landing: str, feed: str) -> bool:
    """Whether the feed has a folder."""
    system, folder = hadoop_path(spark, f"{landing}/{feed}")
    return system.exists(folder)


def all_files(spark: Any, landing: str, feed: str) -> Any:
    """Every file of a feed's folder: (path inside landing, size_bytes, mtime_ns, content), empty ones too.

    LedgerError for a file that Spark cannot see by its name.
    """
    system, folder = hadoop_path(spark, f"{landing}/{feed}")
    seen = seen_files(spark, landing, [folder.toString()])
    if system.getContentSummary(folder).getFileCount() == seen.count():
        return seen
    unseen = _unseen(system, folder, len(_root(spark, landing)))
    if not unseen:
        return seen
    empty = spark.createDataFrame(unseen, "path string, mtime_ns bigint")
    return seen.unionByName(
        empty.selectExpr("path", "cast(0 as bigint) as size_bytes", "mtime_ns", "cast(null as binary) as content")
    )


def seen_files(spark: Any, landing: str, places: list[str], pattern: str = "*") -> Any:
    """The files of these folders, or these files, with their bytes; `pattern` is a glob over the name."""
    return (
        spark.read.format("binaryFile")
        .option("recursiveFileLookup", "true")
        .option("pathGlobFilter", pattern)
        .load([escaped(place) for place in places])
        .selectExpr(
            f"substr(path, {len(_root(spark, landing)) + 1}) as path",
            "length as size_bytes",
            "unix_micros(modificationTime) * 1000 as mtime_ns",
            "content",
        )
        .where("not (path like '%.tmp' or path like '%~' or path like '%.tmp/%' or path like '%~/%')")
    )


def full_path(spark: Any, landing: str, path: str) -> str:
    """The address of a path inside the landing folder."""
    return _root(spark, landing) + path


def pattern_of(shape: str) -> str:
    """The glob of the names of one shape (json, jsonl), compressed or not, in any case of letters."""
    word = "".join(f"[{letter}{letter.upper()}]" for letter in shape)
    return f"*.{{{word},{word}.*}}"


def _root(spark: Any, landing: str) -> str:
    return hadoop_path(spark, landing)[1].toString().rstrip("/") + "/"


def _unseen(system: Any, folder: Any, inside: int) -> list[tuple[str, int]]:
    """The files that Spark's reader leaves out: the empty ones, to be told of, and names that it takes for hidden."""
    empty = []
    listed = system.listFiles(folder, True)
    while listed.hasNext():
        status = listed.next()
        path = status.getPath().toString()[inside:]
        names = path.split("/")[1:]
        if any(is_hidden(name) for name in names):
            continue
        if any(name.startswith("_") for name in names):
            raise LedgerError(
                f"landing/{path!r} begins with an underscore, which Spark takes for hidden: rename it and run again."
            )
        if status.getLen() == 0:
            empty.append((path, status.getModificationTime() * 1_000_000))
    return empty


def escaped(path: str) -> str:
    """A path whose own stars, brackets and braces are no patterns to Hadoop."""
    return "".join(f"\\{letter}" if letter in "*?[]{}\\" else letter for letter in path)


def scan(files: Any, feed: str, withdrawn: set[str]) -> Any:
    """Hash the files on the executors: exact.SCANNED with the feed's name; files withdrawn by policy are left out."""
    if withdrawn:
        files = files.where(~files["path"].isin(sorted(withdrawn)))
    return files.mapInArrow(exact.scan_files(feed), exact.SCANNED).selectExpr(f"'{feed}' as feed", "*")


def number_contents(spark: Any, scanned: Any, first_id: int) -> Any:
    """One row per distinct content (feed, format, SHA-256) with its content_id, from `first_id` on.

    The number follows from the contents alone: the place in their order. Only a count for each of 4096 buckets
    of the hash is ever in one place.
    """
    scanned.createOrReplaceTempView("scanned_files")
    return spark.sql(f"""
        with contents as (
            select
                feed, format, sha256, substr(sha256, 1, {BUCKET}) as bucket, min(path) as path,
                max(size_bytes) as size_bytes, max(reason) as reason
            from scanned_files group by feed, format, sha256
        ),
        buckets as (
            select bucket, sum(contents) over (order by bucket) - contents as before
            from (select bucket, count(*) as contents from contents group by bucket)
        ),
        placed as (
            select *, row_number() over (partition by bucket order by sha256, feed, format) as place from contents
        )
        select
            {first_id} - 1 + before + place as content_id, feed, format, sha256, path, size_bytes, reason
        from placed join buckets using (bucket)""")
