"""exports/YYYY-MM/: files for finance, and the manifest that says what they are (SPEC 7, C4, C6).

A folder is written whole beside the old one, read back and compared with the published file, then renamed in its place.
Everything is taken from the period's books: the published file for a draft, the seal for a closed period. No wall
clock inside: the same inputs give the same bytes, and so does a closed period whenever its folder is made. What does
not belong here: where a figure comes from (books), how a cell is written (tables), what may go out (gates).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration import sealing
from orchestration.books import DRAFT, FINAL, Books, open_books
from orchestration.content import Content, columns_of, row_text
from orchestration.publication import published_file
from orchestration.report.accounts import write_accounts
from orchestration.report.finance import write_report
from orchestration.report.workbook import write_workbook
from orchestration.settings import LedgerError, Settings, connect
from orchestration.standards.files import write_focus, write_journal
from orchestration.state import month
from orchestration.tables import FileOfTable, sums_per_currency, write_table
from orchestration.versions import (
    code_version,
    file_sha256,
    input_files,
    joint_sha256,
    policy_checksums,
    tzdata_version,
)

MANIFEST = "manifest.json"
TEMPORARY, OLD = ".tmp-", ".old-"

# What each file of a table holds: its name, the query over the books, and its formats.
TABLES = (
    ("invoice_lines", "from books.invoice_lines order by invoice_line_id", ("csv", "parquet")),
    ("invoices", "from books.invoices order by invoice_id", ("csv", "parquet")),
    ("alerts", "from books.usage_to_date where alert_level <> 'ok' order by contract_id, meter", ("csv",)),
)
DIGESTED = (
    ("fct_invoice_lines", "invoice_line_id"),
    ("fct_invoice_line_tiers", "invoice_line_id, tier_from"),
    ("fct_invoice_line_sites", "invoice_line_id, site_id"),
)

Log = Callable[[str], None]
# Writes its files of one period into a folder and says what each then holds.
Writer = Callable[[Books, Path], list[FileOfTable]]


@dataclass(frozen=True)
class Export:
    """One period's folder as it now stands."""

    period: date
    status: str
    folder: Path
    manifest: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The hash of the lines, for `make close DRAFT=`."""
        return self.manifest["draft_digest"]


def export_folder(settings: Settings, period: date) -> Path:
    """Where a period's files are."""
    return settings.exports / month(period)


def draft_digest(connection: duckdb.DuckDBPyConnection, period: date) -> str:
    """The hash of a period's lines with their tiers and site shares, whether draft or final (SPEC C2).

    The connection is to the warehouse or to the published file: they hold the same. Of the status only `held` counts.
    """
    database = connection.execute("select current_database()").fetchall()[0][0]
    pairs = []
    for table, key in DIGESTED:
        columns = [pair for pair in columns_of(connection, database, "billing", table) if pair[0] != "status"]
        held = "(status = 'held')::varchar || " if table == "fct_invoice_lines" else ""
        rows = connection.execute(
            f"select {held}{row_text(sorted(columns))} from billing.{table} where invoice_line_id in "
            f"(select invoice_line_id from billing.fct_invoice_lines where billing_period = $period) order by {key}",
            {"period": period},
        ).fetchall()
        pairs += [(f"{table} {number}", row[0]) for number, row in enumerate(rows)]
    return joint_sha256(pairs)


def write_exports(
    settings: Settings,
    period: date,
    contents: Mapping[str, Content],
    head: Mapping[str, Any],
    log: Log,
    writers: Sequence[Writer] | None = None,
) -> list[Export]:
    """Write PERIOD's folder and every closed period's that is missing; the run's own first.

    `contents`: of each published table; `head`: the last seal's period and hash. Raises LedgerError when a file read
    back is not what was published or cannot be written; then that folder is as it was.
    """
    try:
        settings.exports.mkdir(parents=True, exist_ok=True)
        recover(settings)
        with duckdb.connect(str(published_file(settings)), read_only=True) as connection:
            closed = [
                row[0]
                for row in connection.execute(
                    "select period from billing.fct_periods where state = 'closed' and period <= ? order by period",
                    [period],
                ).fetchall()
            ]
        missing = [other for other in closed if other != period and not _is_whole(export_folder(settings, other))]
        hashes = {name: {"rows": each.rows, "content_sha256": each.sha256} for name, each in contents.items()}
        return [
            _write_period(
                settings,
                each,
                FINAL if each in closed else DRAFT,
                _sealed_origin(settings, each, hashes) if each in closed else _origin(settings, head, hashes),
                writers or WRITERS,
                log,
            )
            for each in [period, *missing]
        ]
    except OSError as error:
        raise LedgerError(
            f"{settings.exports} cannot be written ({error.strerror or error}); the old files stay. "
            "Make room or allow writing, and run again."
        ) from error


def recover(settings: Settings) -> None:
    """Finish or undo what a run that died here left behind. The caller holds the lock on LEDGER_HOME."""
    if not settings.exports.is_dir():
        return
    for path in list(settings.exports.iterdir()):
        if path.name.startswith(TEMPORARY):
            shutil.rmtree(path)
        elif path.name.startswith(OLD):
            present = settings.exports / path.name.removeprefix(OLD)
            if present.exists():
                shutil.rmtree(path)
            else:
                path.rename(present)


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """A folder's manifest; None where there is none that can be read."""
    try:
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _is_whole(folder: Path) -> bool:
    """Whether a final folder is there with the bytes that its manifest names."""
    manifest = read_manifest(folder)
    return bool(manifest) and manifest.get("status") == FINAL and _holds(folder, manifest["files"])


def _holds(folder: Path, files: Mapping[str, Mapping[str, Any]]) -> bool:
    return all(
        (folder / name).is_file() and file_sha256(folder / name) == entry["sha256"] for name, entry in files.items()
    )


def _origin(settings: Settings, head: Mapping[str, Any], hashes: Mapping[str, Any]) -> dict[str, Any]:
    """What a draft's manifest says about where its figures come from."""
    with connect(settings) as warehouse:
        return {
            "head": dict(head),
            "as_of": f"{settings.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "inputs": input_files(warehouse),
            "policy": policy_checksums(settings),
            "published": dict(hashes),
            "versions": {"code": code_version(settings), "tzdata": tzdata_version(warehouse)},
        }


def _sealed_origin(settings: Settings, period: date, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a closed period, as it was closed: a folder made again says what the first one said."""
    seal = sealing.read_seal(settings, period)
    versions = seal.content["versions"]
    return {
        "head": {"period": month(period), "sha256": seal.seal_hash},
        "as_of": seal.content["as_of"],
        "inputs": seal.content["inputs"],
        "policy": versions["policy"],
        "published": sealing.published_at_close(settings, period, hashes),
        "versions": {"code": {"sha256": versions["code"]}, "tzdata": versions["tzdata"]},
    }


def _run_of(settings: Settings, period: date, origin: Mapping[str, Any]) -> dict[str, Any]:
    """What the files print of their origin (`books.run`)."""
    with duckdb.connect(str(published_file(settings)), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        digest = draft_digest(connection, period)
    return {
        "head_period": origin["head"]["period"],
        "head_hash": origin["head"]["sha256"],
        "as_of": origin["as_of"],
        "tzdata_version": origin["versions"]["tzdata"],
        "code_version": origin["versions"]["code"]["sha256"],
        "draft_digest": digest,
    }


def _write_period(
    settings: Settings, period: date, status: str, origin: Mapping[str, Any], writers: Sequence[Writer], log: Log
) -> Export:
    folder = export_folder(settings, period)
    temporary = settings.exports / f"{TEMPORARY}{month(period)}-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        with open_books(settings, period, status, _run_of(settings, period, origin)) as books:
            files = [file for writer in writers for file in writer(books, temporary)]
            _check(books, files)
            digest = books.run["draft_digest"]
        manifest = {
            "period": month(period),
            "status": status,
            "draft_digest": digest,
            "files": {file.name: file.entry() for file in files},
            "sums": {currency: _plain(amount) for currency, amount in files[0].sums.items()},
            **origin,
        }
        present = read_manifest(folder)
        if present == manifest and _holds(folder, manifest["files"]):
            log(f"exports/{month(period)} is up to date ({status})")
            return Export(period, status, folder, manifest)
        text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
        (temporary / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")
        for path in [*sorted(temporary.rglob("*")), temporary]:
            _sync(path)
        _swap(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    log(f"exports/{month(period)}: {len(files)} files ({status})")
    return Export(period, status, folder, manifest)


def write_tables(books: Books, folder: Path) -> list[FileOfTable]:
    """The lines, the documents and the alerts as CSV and Parquet; the lines first, whose sums the manifest states."""
    return [
        write_table(books.connection, query, {}, folder / books.file_name(name, suffix))
        for name, query, formats in TABLES
        for suffix in formats
    ]


def _check(books: Books, files: Sequence[FileOfTable]) -> None:
    """SPEC C6: the exported lines and documents are the published ones, in rows and in sums per currency."""
    for table, stem in (("fct_invoice_lines", "invoice_lines"), ("fct_invoices", "invoices")):
        query = f"from published.billing.{table} where billing_period = $period"
        rows, sums = sums_per_currency(books.connection, query, {"period": books.period})
        for file in files:
            if file.name.split(".")[0] == stem and (file.rows, file.sums) != (rows, sums):
                raise LedgerError(
                    f"exports/{month(books.period)}/{file.name} holds {file.rows:,} rows and {_list(file.sums)}, "
                    f"billing.{table} {rows:,} and {_list(sums)}; "
                    "nothing was exported. Run again; if it happens again, report it."
                )


# Each adds files of its own to a period's folder.
WRITERS: tuple[Writer, ...] = (write_tables, write_focus, write_journal, write_report, write_accounts, write_workbook)


def _swap(temporary: Path, folder: Path) -> None:
    """Rename the new folder into the place of the old; `recover` puts things right if this dies between."""
    old = folder.with_name(OLD + folder.name)
    if folder.exists():
        folder.rename(old)
    temporary.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(amount: Decimal) -> str:
    return format(amount, "f")


def _list(sums: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{currency} {_plain(amount)}" for currency, amount in sums.items()) or "no amount"
