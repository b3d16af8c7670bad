"""exports/YYYY-MM/: files for finance, and the manifest that says what they are (SPEC 7, C4, C6).

A folder is written whole beside the old one, read back and compared with the published file, then renamed in its place.
Everything is taken from the published file, so that both say the same. No wall clock inside: the same inputs give the
same bytes. What does not belong here: how a cell is written (files of tables: tables), what may go out (gates).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.content import Content, columns_of, row_text
from orchestration.publication import published_file
from orchestration.settings import LedgerError, Settings, connect
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

DRAFT, FINAL = "draft", "final"
MANIFEST = "manifest.json"
TEMPORARY, OLD = ".tmp-", ".old-"

# What each file holds: its name, the query over the published file ($period), and its formats.
TABLES = (
    (
        "invoice_lines",
        "from billing.fct_invoice_lines where billing_period = $period order by invoice_line_id",
        ("csv", "parquet"),
    ),
    ("invoices", "from billing.fct_invoices where billing_period = $period order by invoice_id", ("csv", "parquet")),
    (
        "alerts",
        "from billing.fct_usage_to_date where period = $period and alert_level <> 'ok' order by contract_id, meter",
        ("csv",),
    ),
)
SEALED_ALERTS = (
    "select * exclude (seal_period) from sealed_usage_to_date where seal_period = $period order by contract_id, meter"
)
DIGESTED = (
    ("fct_invoice_lines", "invoice_line_id"),
    ("fct_invoice_line_tiers", "invoice_line_id, tier_from"),
    ("fct_invoice_line_sites", "invoice_line_id, site_id"),
)

Log = Callable[[str], None]


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
    settings: Settings, period: date, contents: Mapping[str, Content], head: Mapping[str, Any], log: Log
) -> list[Export]:
    """Write PERIOD's folder and every closed period's that is missing; the run's own first.

    `contents`: of each published table; `head`: the last seal's period and hash. Raises LedgerError when a file read
    back is not what was published or cannot be written; then that folder is as it was.
    """
    try:
        settings.exports.mkdir(parents=True, exist_ok=True)
        recover(settings)
        with duckdb.connect(str(published_file(settings)), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            closed = [
                row[0]
                for row in connection.execute(
                    "select period from billing.fct_periods where state = 'closed' and period <= ? order by period",
                    [period],
                ).fetchall()
            ]
            missing = [other for other in closed if other != period and not _is_whole(export_folder(settings, other))]
            with connect(settings) as warehouse:
                origin = _origin(warehouse, settings, contents, head)
                _bring_sealed_alerts(connection, warehouse)
            return [
                _write_period(
                    connection, settings, each, FINAL if each in closed else DRAFT, origin, log
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


def _origin(
    warehouse: duckdb.DuckDBPyConnection, settings: Settings, contents: Mapping[str, Content], head: Mapping[str, Any]
) -> dict[str, Any]:
    """What every manifest of this run says about where its figures come from."""
    return {
        "head": dict(head),
        "inputs": input_files(warehouse),
        "policy": policy_checksums(settings),
        "published": {
            name: {"rows": content.rows, "content_sha256": content.ordered_hash} for name, content in contents.items()
        },
        "versions": {"code": code_version(settings), "tzdata": tzdata_version(warehouse)},
    }


def _write_period(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    period: date,
    status: str,
    origin: Mapping[str, Any],
    log: Log,
) -> Export:
    folder = export_folder(settings, period)
    temporary = settings.exports / f"{TEMPORARY}{month(period)}-{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        files = _write_files(connection, temporary, period, status)
        manifest = {
            "period": month(period),
            "status": status,
            "draft_digest": draft_digest(connection, period),
            "files": {file.name: file.entry() for file in files},
            "sums": {currency: _plain(amount) for currency, amount in files[0].sums.items()},
            **origin,
        }
        present = read_manifest(folder)
        if present and _is_settled(folder, present, manifest):
            log(f"exports/{month(period)} is up to date ({status})")
            return Export(period, status, folder, present)
        text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
        (temporary / MANIFEST).write_text(text + "\n", encoding="utf-8", newline="\n")
        for path in [*temporary.iterdir(), temporary]:
            _sync(path)
        _swap(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    log(f"exports/{month(period)}: {len(files)} files ({status})")
    return Export(period, status, folder, manifest)


def _is_settled(folder: Path, present: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    """Whether a folder stays: it is the same to the byte, or final with the same documents.

    What arrives after a close changes the origin, not the documents: a final folder keeps the origin of its close.
    """
    same = present.get("files") == manifest["files"] if manifest["status"] == FINAL else present == manifest
    return same and present.get("status") == manifest["status"] and _holds(folder, manifest["files"])


def _bring_sealed_alerts(connection: duckdb.DuckDBPyConnection, warehouse: duckdb.DuckDBPyConnection) -> None:
    """The usage to date as each close sealed it, so that a final folder's alerts never change."""
    connection.execute(
        "create or replace temp table sealed_usage_to_date as "
        "select null::date as seal_period, * from billing.fct_usage_to_date limit 0"
    )
    rows = warehouse.execute(
        "select * from raw.sealed_usage_to_date where alert_level <> 'ok' order by seal_period, contract_id, meter"
    ).fetchall()
    if rows:
        connection.executemany(
            f"insert into sealed_usage_to_date values ({', '.join('?' * len(rows[0]))})", rows
        )


def _write_files(
    connection: duckdb.DuckDBPyConnection, folder: Path, period: date, status: str
) -> list[FileOfTable]:
    files = []
    for name, query, formats in TABLES:
        if name == "alerts" and status == FINAL:
            query = SEALED_ALERTS
        for suffix in formats:
            stem = f"{name}.draft" if status == DRAFT else name
            files.append(write_table(connection, query, {"period": period}, folder / f"{stem}.{suffix}"))
    _check(connection, period, files)
    return files


def _check(connection: duckdb.DuckDBPyConnection, period: date, files: list[FileOfTable]) -> None:
    """SPEC C6: the exported lines and invoices are the published ones, in rows and in sums per currency."""
    for table, stem in (("fct_invoice_lines", "invoice_lines"), ("fct_invoices", "invoices")):
        rows, sums = sums_per_currency(
            connection, f"from billing.{table} where billing_period = $period", {"period": period}
        )
        for file in files:
            if file.name.split(".")[0] == stem and (file.rows, file.sums) != (rows, sums):
                raise LedgerError(
                    f"exports/{month(period)}/{file.name} holds {file.rows:,} rows and {_list(file.sums)}, "
                    f"billing.{table} {rows:,} and {_list(sums)}; "
                    "nothing was exported. Run again; if it happens again, report it."
                )


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
