"""Landing files to the raw Parquet layout by Spark alone: no file and no event passes through one machine.

What belongs here: the order of the steps, and what is written where. What does not: bytes (exact.py), files and ids
(contents.py), the SQL of the rows (rows.py).

1. Files are hashed on the executors; equal contents are one (work/files, work/contents).
2. Their records are parsed by Spark's JSON reader with the shapes of records.py (work/<feed>: projected fields only).
   Records that it does not take whole are only noted.
3. The files of those are read again, on executors, by records.py: the projected record or the named reject
   (work/again_<feed>).
4. Rows of the raw tables, rejects and the manifest are written beside the old folder and renamed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestration.batch import EARLIEST_INSTANT, LATEST_INSTANT
from orchestration.batch_reading import MOST_SUSPICIOUS
from orchestration.event_feeds import FEEDS, Feed
from orchestration.manifest import LOADER_VERSION
from orchestration.records import DETAILS
from orchestration.settings import LedgerError, hmac_blocks, pseudonym_fingerprint
from orchestration.spark import contents, exact, layout, parsing, rows, session
from orchestration.spark.package import ship

PARTIAL, REPLACED, WORK = ".partial", ".replaced", ".work"
Log = Callable[[str], None]


@dataclass
class SparkLoad:
    """One load of a landing folder. Places are addresses that Hadoop knows (file:, hdfs:, s3a:, ...) or paths.

    `reference` is what `export-raw --reference-only` wrote. With a pseudonym key consumer ids are stored only as
    HMAC-SHA256 (SPEC 6).
    """

    spark: Any
    landing: str
    reference: str
    target: str
    withdrawn: frozenset[str] = frozenset()
    pseudonym_key: bytes | None = None
    log: Log = print

    def run(self) -> dict[str, int]:
        """Write the layout, replacing the folder of the last time; rows by table.

        LedgerError when the reference part is missing or was written under another pseudonym key. No file's
        content raises.
        """
        for key, value in session.SETTINGS.items():
            self.spark.conf.set(key, value)
        self._check_reference()
        ship(self.spark)
        self._remove(PARTIAL)
        self._remove(WORK)
        try:
            self._find_files()
            feeds = self._feeds()
            for feed in FEEDS.values():
                if feed in feeds:
                    self._parse(feed)
                    self._read_again(feed)
                    self._write_feed(feed)
                else:
                    self._write_nothing(feed)
            self._write_manifest(feeds)
            self._write_reference()
            counts = self._describe()
            self._put_in_place()
        finally:
            self._remove(PARTIAL)
            self._remove(WORK)
        return counts

    # -- places

    def _remove(self, suffix: str) -> None:
        system, path = contents.hadoop_path(self.spark, self.target + suffix)
        system.delete(path, True)

    def _exists(self, place: str) -> bool:
        system, path = contents.hadoop_path(self.spark, place)
        return system.exists(path)

    def _work(self, name: str) -> str:
        return f"{self.target}{WORK}/{name}"

    def _keep(self, name: str, frame: Any) -> Any:
        """Write a step's result where the next steps read it, as a view of that name too."""
        frame.write.parquet(self._work(name))
        kept = self.spark.read.schema(frame.schema).parquet(contents.escaped(self._work(name)))
        kept.createOrReplaceTempView(name)
        return kept

    def _put_in_place(self) -> None:
        system, target = contents.hadoop_path(self.spark, self.target)
        replaced = contents.hadoop_path(self.spark, self.target + REPLACED)[1]
        system.delete(replaced, True)
        if system.exists(target) and not system.rename(target, replaced):
            raise LedgerError(f"{self.target} cannot be moved aside: allow writing there and run again.")
        if not system.rename(contents.hadoop_path(self.spark, self.target + PARTIAL)[1], target):
            raise LedgerError(f"{self.target} cannot be written: allow writing there and run again.")
        system.delete(replaced, True)

    # -- 1: files

    def _check_reference(self) -> None:
        if not self._exists(f"{self.reference}/{layout.LAYOUT_FILE}"):
            raise LedgerError(
                f"{self.reference} has no {layout.LAYOUT_FILE}: write it with "
                "`python -m orchestration export-raw --reference-only` first."
            )
        described = self._reference_layout()
        if any(
            described.get(table, {}).get("spark_schema") != layout.spark_schema(columns, False)
            for table, columns in layout.raw_tables().items()
            if table not in layout.FEED_TABLES
        ):
            raise LedgerError(
                f"{self.reference} was written by another version: write it again with "
                "`python -m orchestration export-raw --reference-only`."
            )
        stored = self._reference("pseudonym_key").first()
        present = pseudonym_fingerprint(self.pseudonym_key)
        if stored is not None and stored[0] != present:
            raise LedgerError(
                f"{self.reference} was written under another LEDGER_PSEUDONYM_KEY: set the environment as it was, "
                "or write it again with `python -m orchestration export-raw --reference-only`."
            )

    def _reference_layout(self) -> dict[str, dict[str, Any]]:
        system, path = contents.hadoop_path(self.spark, f"{self.reference}/{layout.LAYOUT_FILE}")
        stream = system.open(path)
        try:  # Spark's own reader takes the name for hidden
            return json.loads(self.spark._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))["tables"]
        finally:
            stream.close()

    def _reference(self, table: str) -> Any:
        schema = layout.spark_schema(layout.raw_tables()[table], False)
        return self.spark.read.schema(schema).parquet(contents.escaped(f"{self.reference}/{table}"))

    def _find_files(self) -> None:
        scanned = None
        for feed in self._feeds():
            files = contents.all_files(self.spark, self.landing, feed.name)
            found = contents.scan(files, feed.name, set(self.withdrawn))
            scanned = found if scanned is None else scanned.unionByName(found)
        if scanned is None:
            raise LedgerError(f"{self.landing} holds no feed's folder: put the files there, in one folder a feed.")
        scanned = self._keep("files", scanned)
        first = self._reference("landing_contents").selectExpr("coalesce(max(content_id), 0) + 1").first()[0]
        numbered = self._keep("contents", contents.number_contents(self.spark, scanned, first))
        self.log(f"{scanned.count():,} files, {numbered.count():,} contents")

    def _feeds(self) -> list[Feed]:
        return [feed for feed in FEEDS.values() if contents.has_folder(self.spark, self.landing, feed.name)]

    # -- 2: Spark's reading

    def _parse(self, feed: Feed) -> None:
        """The feed's records as work/<feed>: projected, or noted as suspicious."""
        if self.pseudonym_key:
            register_key(self.spark, self.pseudonym_key)
        folder = contents.full_path(self.spark, self.landing, feed.name)
        parsed = None
        for shape in ("jsonl", "json"):
            files = contents.seen_files(self.spark, self.landing, [folder], contents.pattern_of(shape))
            wanted = self.spark.sql(
                f"select content_id, path, format from contents where feed = '{feed.name}' and reason is null "
                f"and split(format, '[.]')[0] = '{shape}'"
            )
            cut = files.join(wanted.hint("broadcast"), "path").select("content_id", "format", "content")
            cut = cut.mapInArrow(exact.cut_files, exact.CUT)
            cut.selectExpr("content_id", "record_index", "cast(data as string) as text").createOrReplaceTempView("cut")
            is_paged = shape == "json" and feed.page_list
            source = parsing.records_in_pages(feed) if is_paged else parsing.records_in_lines(feed)
            found = self.spark.sql(parsing.judged(feed, source, self.pseudonym_key is not None))
            parsed = found if parsed is None else parsed.unionByName(found)
        self._keep(feed.name, parsed)

    # -- 3: the exact reading

    def _read_again(self, feed: Feed) -> None:
        """The outcomes for the feed's suspicious records as work/again_<feed>; only their files are opened."""
        judge = exact.read_again(feed.judge, feed.object_kind, bool(feed.page_list))
        doubtful = self._keep(f"doubtful_{feed.name}", self.spark.sql(f"""
            select content_id, path, format, sha256, places
            from contents join (
                select
                    content_id,
                    case when count_if(record_index is null) = 0 and count(*) < {MOST_SUSPICIOUS}
                        then collect_set(record_index) end as places
                from {feed.name} where is_suspicious group by content_id
            ) using (content_id)"""))  # fmt: skip
        # Names of files, no more of them than Spark's driver lists in any case.
        names = [row[0] for row in doubtful.select("path").toLocalIterator()]
        paths = [contents.full_path(self.spark, self.landing, name) for name in names]
        if paths:
            files = contents.seen_files(self.spark, self.landing, paths).join(doubtful.hint("broadcast"), "path")
            files = files.select("content_id", "format", "sha256", "places", "content")
            outcomes = files.mapInArrow(judge, exact.READ_AGAIN)
        else:
            outcomes = self.spark.createDataFrame([], exact.READ_AGAIN)
        outcomes.createOrReplaceTempView("outcomes")
        again = parsing.records_read_again(feed, self.pseudonym_key is not None)
        self._keep(f"again_{feed.name}", self.spark.sql(again))
        self.log(f"{feed.name}: {len(paths):,} files read again")

    # -- 4: raw tables

    def _write(self, table: str, frame: Any) -> None:
        """Write a raw table with the columns of raw_tables.sql; event tables by month, in files of a good size."""
        columns = layout.raw_tables()[table]
        parts = [f"cast(`{name}` as {layout.spark_type(data_type)}) as `{name}`" for name, data_type in columns]
        frame = frame.selectExpr(*parts)
        writer = frame.write
        if table in layout.MOMENTS:
            month = f"{layout.month_in_spark(layout.MOMENTS[table])} as {layout.MONTH}"
            writer = frame.selectExpr("*", month).hint("rebalance", layout.MONTH).write.partitionBy(layout.MONTH)
        writer.option("compression", "zstd").parquet(f"{self.target}{PARTIAL}/{table}")

    def _written(self, table: str) -> Any:
        is_partitioned = table in layout.MOMENTS
        schema = layout.spark_schema(layout.raw_tables()[table], is_partitioned)
        return self.spark.read.schema(schema).parquet(contents.escaped(f"{self.target}{PARTIAL}/{table}"))

    def _write_feed(self, feed: Feed) -> None:
        """The feed's raw tables, from what either reading made of its records."""
        dropped = f"""(
            select content_id from again_{feed.name} where outcome = '{exact.FILE}'
            union select content_id from doubtful_{feed.name} where places is null)"""
        refused = f"(select content_id from again_{feed.name} where outcome = '{exact.FILE}')"
        columns = ", ".join(f"`{key}`" for key in feed.shape)
        self.spark.sql(f"""
            select content_id, record_index, {columns}
            from {feed.name} left anti join {dropped} using (content_id)
            where not is_suspicious and record_index is not null
            union all
            select content_id, record_index, {columns}
            from again_{feed.name} left anti join {refused} using (content_id)
            where outcome = '{exact.RECORD}'""").createOrReplaceTempView(rows.PROJECTED)
        for table, query in rows.TABLES[feed.name]():
            self._write(table, self.spark.sql(query))
        if feed.page_list:
            self._write("pages", self.spark.sql(f"""
                select content_id, page.* from {feed.name} left anti join {dropped} using (content_id)
                where page is not null
                union all
                select content_id, page.* from again_{feed.name} left anti join {refused} using (content_id)
                where page is not null"""))

    def _write_nothing(self, feed: Feed) -> None:
        """The empty tables of a feed that has no folder."""
        for table in feed.tables:
            self._write_empty(table)

    def _write_empty(self, table: str) -> None:
        self._write(table, self.spark.createDataFrame([], layout.spark_schema(layout.raw_tables()[table], False)))

    def _write_manifest(self, feeds: list[Feed]) -> None:
        """Rejects, contents and paths, with the reference files' own; nothing is removed from what is loaded whole."""
        self._write_empty("removed_conversations")
        details = self.spark.createDataFrame(list(DETAILS.items()), "reason string, detail string")
        details.createOrReplaceTempView("details")
        kinds = " ".join(f"when '{feed.name}' then '{feed.object_kind}'" for feed in feeds)
        rejects = [
            f"""select content_id, null as record_index, null as item_index,
                    case when format = 'json' or format like 'json.%' then case feed {kinds} end else 'file' end
                    as record_kind, reason, sha256 as record_hash
                from contents where reason is not null"""
        ]
        rejects += [
            f"""select content_id, record_index, item_index, record_kind, reason, record_hash from again_{feed.name}
                where outcome = '{exact.FILE}' or (outcome = '{exact.REJECT}' and content_id not in (
                    select content_id from again_{feed.name} where outcome = '{exact.FILE}'))"""
            for feed in feeds
        ]
        rejected = self.spark.sql(
            f"select * from ({' union all '.join(rejects)}) left join details using (reason)"
        )
        names = [name for name, _ in layout.raw_tables()["rejected_records"]]
        self._write("rejected_records", rejected.select(names).unionByName(self._reference("rejected_records")))
        self._written("rejected_records").createOrReplaceTempView("rejected")
        counted = []
        for feed in feeds:
            for table, moment in feed.counted:
                self._written(table).createOrReplaceTempView(f"written_{table}")
                usable = f"{moment} >= {_in_spark(EARLIEST_INSTANT)} and {moment} < {_in_spark(LATEST_INSTANT)}"
                counted.append(
                    f"""select content_id, count(*) as records, min({moment}) filter (where {usable}) as first,
                            max({moment}) filter (where {usable}) as last
                        from written_{table} group by content_id"""
                )
        manifest = self.spark.sql(f"""
            select
                content_id, feed, format, sha256, size_bytes,
                coalesce(counted.records, 0) + coalesce(refused.rejects, 0) as records,
                coalesce(refused.rejects, 0) as rejects, first as first_instant_at, last as last_instant_at,
                '{LOADER_VERSION}' as loader_version
            from contents
            left join (
                select content_id, sum(records) as records, min(first) as first, max(last) as last
                from ({' union all '.join(counted)}) group by content_id
            ) as counted using (content_id)
            left join (select content_id, count(*) as rejects from rejected group by content_id) as refused
                using (content_id)""")
        self._write("landing_contents", manifest.unionByName(self._reference("landing_contents")))
        paths = self.spark.sql("""
            select files.path, files.feed, files.sha256, files.size_bytes, mtime_ns, content_id
            from files join contents
                on files.feed = contents.feed and files.format = contents.format and files.sha256 = contents.sha256""")
        self._write("landing_files", paths.unionByName(self._reference("landing_files")))

    def _write_reference(self) -> None:
        """What no feed's file holds, copied as it was exported; and the fingerprint of the key."""
        fingerprint = pseudonym_fingerprint(self.pseudonym_key)
        stored = [(fingerprint,)] if fingerprint else []
        self._write("pseudonym_key", self.spark.createDataFrame(stored, "fingerprint string"))
        copy = self.spark._jvm.org.apache.hadoop.fs.FileUtil.copy
        for table in self._copied():
            source, path = contents.hadoop_path(self.spark, f"{self.reference}/{table}")
            target, place = contents.hadoop_path(self.spark, f"{self.target}{PARTIAL}/{table}")
            copy(source, path, target, place, False, self.spark._jsc.hadoopConfiguration())

    def _copied(self) -> list[str]:
        others = (*layout.FEED_TABLES, *layout.SHARED_TABLES, "pseudonym_key")
        return [table for table in layout.raw_tables() if table not in others]

    def _describe(self) -> dict[str, int]:
        """Write `_layout.json`; rows by table."""
        described = {table: one for table, one in self._reference_layout().items() if table in self._copied()}
        for table, columns in layout.raw_tables().items():
            if table not in described:
                is_partitioned = table in layout.MOMENTS
                described[table] = {
                    "rows": self._written(table).count(),
                    "spark_schema": layout.spark_schema(columns, is_partitioned),
                    "partitioned_by": layout.MONTH if is_partitioned else None,
                }
        system, path = contents.hadoop_path(self.spark, f"{self.target}{PARTIAL}/{layout.LAYOUT_FILE}")
        stream = system.create(path, True)
        stream.write(bytearray(layout.described(described).encode()))
        stream.close()
        return {table: described[table]["rows"] for table in sorted(described)}


def register_key(spark: Any, key: bytes) -> None:
    """The key's blocks as the one row of the view hmac_key: a plan shows its columns, never what is in them."""
    row = tuple(map(bytearray, hmac_blocks(key)))
    blocks = spark.createDataFrame([row], "hmac_inner binary, hmac_outer binary")
    blocks.createOrReplaceTempView("hmac_key")


def _in_spark(instant: str) -> str:
    """An instant's literal in DuckDB's words as Spark takes it."""
    return instant.replace("timestamptz ", "timestamp").replace("+00'", "+00:00'")
