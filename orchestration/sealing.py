"""Closing a period: the seal, its chain, and the seals read back (SPEC C1 to C3, C7).

What belongs here: what a seal holds, how it is written once and proven, how it returns as raw.sealed_* tables.
What does not: whether a period may go out (gates) and the files made from it (publication, exports).

`sealed/YYYY-MM/` holds one Parquet file per table, `seal.json` (their SHA-256, counts, sums, versions and the
previous seal's hash) and, outside the chain, `closed.json` (who, when, which run). The SHA-256 of `seal.json` is
the seal's hash; `sealed/HEAD` names the last period and its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.policy import settling_days
from orchestration.sealed_rows import SEALED_FOR_BOOKS, SEALED_POLICY, SEALED_ROWS
from orchestration.settings import LedgerError, Settings
from orchestration.versions import code_version, file_sha256, input_files, policy_checksums, tzdata_version

SEAL_FILE = "seal.json"
CLOSED_FILE = "closed.json"
FORMAT = 1
EARLIEST_ZONE = timedelta(hours=14)  # no clock on earth is further ahead of UTC

@dataclass(frozen=True)
class Seal:
    """One proven seal: its period, its hash, and what `seal.json` says."""

    period: date
    seal_hash: str
    content: dict[str, Any]


@dataclass(frozen=True)
class Chain:
    """All seals, oldest first; each proven against its files, its predecessor and HEAD."""

    seals: tuple[Seal, ...]

    @property
    def head(self) -> Seal | None:
        return self.seals[-1] if self.seals else None

    @property
    def head_text(self) -> str:
        """The last period and its hash as sealed/HEAD has them, `none` before the first close."""
        return f"{self.head.period:%Y-%m} {self.head.seal_hash}" if self.head else "none"


def verify_chain(settings: Settings) -> Chain:
    """Prove every byte of every seal (SPEC C1). LedgerError names the first thing that is not as it was sealed.

    A close that died between its two renames is completed first: its journal names the seal that it had written.
    """
    _complete_interrupted(settings)
    return _read_chain(settings)


def _read_chain(settings: Settings) -> Chain:
    folder = settings.sealed
    if not folder.exists():
        return Chain(())
    strangers = [
        entry.name for entry in sorted(folder.iterdir())
        if not entry.name.startswith(".") and entry.name != "HEAD" and not _is_period(entry.name)
    ]
    if strangers:
        raise _broken(f"{folder / strangers[0]} does not belong there")
    seals: list[Seal] = []
    for entry in sorted(path for path in folder.iterdir() if _is_period(path.name)):
        seals.append(_read_seal(entry, seals[-1].seal_hash if seals else None))
    head = folder / "HEAD"
    if not seals and not head.exists():
        return Chain(())
    if not head.exists():
        raise _broken(f"{head} is missing")
    chain = Chain(tuple(seals))
    if head.read_bytes() != f"{chain.head_text}\n".encode():
        raise _broken(f"{head} does not name the last seal ({chain.head_text})")
    return chain


def _is_period(name: str) -> bool:
    return len(name) == 7 and name[4] == "-" and name[:4].isdigit() and name[5:].isdigit()


def _broken(what: str) -> LedgerError:
    return LedgerError(
        f"The chain of seals is broken: {what}. Put sealed/ back from a backup; nothing is published until it verifies."
    )


def _read_seal(folder: Path, previous_hash: str | None) -> Seal:
    try:
        raw = (folder / SEAL_FILE).read_bytes()
        content = json.loads(raw)
        files: dict[str, Any] = content["files"]
        period = date.fromisoformat(content["period"] + "-01")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(f"{folder / SEAL_FILE} cannot be read") from error
    if f"{period:%Y-%m}" != folder.name:
        raise _broken(f"{folder / SEAL_FILE} is the seal of {content['period']}")
    if content.get("previous_hash") != previous_hash:
        raise _broken(f"{folder / SEAL_FILE} does not continue the seal before it")
    for name, stated in files.items():
        path = folder / name
        if not path.is_file() or path.is_symlink():
            raise _broken(f"{path} is missing")
        if file_sha256(path) != stated["sha256"]:
            raise _broken(f"{path} is not what was sealed")
    extra = sorted({entry.name for entry in folder.iterdir()} - set(files) - {SEAL_FILE, CLOSED_FILE})
    if extra:
        raise _broken(f"{folder / extra[0]} was added to the seal")
    return Seal(period, hashlib.sha256(raw).hexdigest(), content)


def load_seals(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Chain:
    """Read the proven seals into raw.seals and raw.sealed_*, in one transaction; unchanged chains are left alone.

    Landing files are loaded before: where a sealed one has other content now, the DARs of its seals are read too.
    """
    chain = verify_chain(settings)
    loaded = connection.execute("select seal_hash from raw.seals order by seal_period").fetchall()
    lost = [row[0] for row in loaded if row[0] not in {seal.seal_hash for seal in chain.seals}]
    if lost:
        raise _broken(f"the warehouse has read a seal that is no longer in {settings.sealed} ({lost[0]})")
    is_known = [row[0] for row in loaded] == [seal.seal_hash for seal in chain.seals]
    connection.execute("begin")
    try:
        if not is_known:
            _read_seals(connection, settings, chain)
        _read_sealed_relationships(connection, settings)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return chain


def _read_seals(connection: duckdb.DuckDBPyConnection, settings: Settings, chain: Chain) -> None:
    """Fill raw.seals and raw.sealed_* anew."""
    for table in ("seals", *(f"sealed_{name}" for name in SEALED_ROWS)):
        connection.execute(f"delete from raw.{table}")
    for seal in chain.seals:
        connection.execute(
            "insert into raw.seals values (?, ?, ?, ?, ?, ?)",
            [
                seal.period,
                seal.seal_hash,
                seal.content["previous_hash"],
                date.fromisoformat(seal.content["first_billed_period"] + "-01"),
                seal.content["versions"]["tzdata"],
                _closed_by(settings.sealed / f"{seal.period:%Y-%m}"),
            ],
        )
        # What an older seal does not hold yet stays empty for its period.
        for name in (name for name in SEALED_ROWS if f"{name}.parquet" in seal.content["files"]):
            connection.execute(
                f"insert into raw.sealed_{name} by name select ?::date as seal_period, * from read_parquet(?)",
                [seal.period, str(settings.sealed / f"{seal.period:%Y-%m}" / f"{name}.parquet")],
            )


def _read_sealed_relationships(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """The DARs of all seals up to one of which a file was given other content; else none: they are many (SPEC C7)."""
    connection.execute("delete from raw.sealed_relationships")
    replaced = connection.execute(
        """
        select max(seal_period) from raw.sealed_inputs
        where path in (select path from raw.landing_files) and sha256 not in (select sha256 from raw.landing_files)"""
    ).fetchone()
    seals = connection.execute("select seal_period from raw.seals where seal_period <= ?", replaced).fetchall()
    for (period,) in seals:
        file = settings.sealed / f"{period:%Y-%m}" / "daily_active_relationships.parquet"
        if file.exists():  # an older seal may not hold it
            connection.execute(
                "insert into raw.sealed_relationships "
                "select ?::date, site_id, relationship_id, activity_date from read_parquet(?)",
                [period, str(file)],
            )


def read_seal(settings: Settings, period: date) -> Seal:
    """The seal of a closed period. The caller has verified the chain; LedgerError when there is none."""
    for seal in verify_chain(settings).seals:
        if seal.period == period:
            return seal
    raise LedgerError(f"{period:%Y-%m} has no seal: `make close PERIOD={period:%Y-%m}` closes it.")


def published_at_close(settings: Settings, period: date, hashes: Mapping[str, Any]) -> dict[str, Any]:
    """What was published when the period was closed: kept in closed.json by the first run that published it.

    It stands outside the chain: it depends on the seal and cannot be inside.
    """
    path = settings.sealed / f"{period:%Y-%m}" / CLOSED_FILE
    try:
        closed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        closed = {}
    if "published" not in closed:
        closed["published"] = dict(hashes)
        # Not in the seal's own folder: a death here would leave a stranger in it.
        _replace(path, (json.dumps(closed, indent=2, ensure_ascii=False) + "\n").encode(), settings.sealed)
    return closed["published"]


def _closed_by(folder: Path) -> str | None:
    """Who closed a period, as its closed.json says; None where that cannot be read: it proves nothing."""
    try:
        return str(json.loads((folder / CLOSED_FILE).read_text(encoding="utf-8"))["closed_by"]) or None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def missing_inputs(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Landing files that a seal rests on and that are gone, each with the first seal that rests on it (SPEC C7).

    A file is there as long as its path is, or its content under another path. Files whose events all lie in periods
    older than the adjustment horizon may be erased; a row of withdrawals.csv lets a path go.
    """
    return connection.execute(
        """
        with in_motion as (
            select min(days.first_instant_at) as starts_at
            from intermediate.int_site_days as days
            where days.period > (select min(period) from intermediate.int_sealed_terms where is_frozen)
                and days.period not in (select period from intermediate.int_sealed_terms where is_frozen)
        )
        select inputs.path, strftime(inputs.seal_period, '%Y-%m')
        from raw.sealed_inputs as inputs
        where inputs.path not in (select path from raw.landing_files)
            and inputs.sha256 not in (select sha256 from raw.landing_files)
            and inputs.path not in (select path from policy.withdrawals)
            and coalesce(
                inputs.last_instant_at >= (select starts_at from in_motion),
                inputs.seal_period not in (select period from intermediate.int_sealed_terms where is_frozen)
            )
        order by inputs.path
        """
    ).fetchall()


def check_closable(connection: duckdb.DuckDBPyConnection, settings: Settings, period: date, chain: Chain) -> None:
    """LedgerError unless the period may be closed now: in order (SPEC C2) and after it has ended and settled (P8)."""
    earlier = connection.execute(
        "select min(billing_period) from billing.fct_invoice_lines where billing_period < ? and status <> 'final'",
        [period],
    ).fetchone()
    if earlier and earlier[0]:
        raise LedgerError(
            f"{period:%Y-%m} cannot be closed before {earlier[0]:%Y-%m}, which has lines and no seal: "
            f"close that first (make close PERIOD={earlier[0]:%Y-%m})."
        )
    first = connection.execute("select first_billed_period from intermediate.int_first_billed_period").fetchone()
    if not first or first[0] is None or period < first[0]:
        raise LedgerError(
            f"{period:%Y-%m} lies before the first billed period"
            f"{f' ({first[0]:%Y-%m})' if first and first[0] else ''}: there is nothing to close."
        )
    ends_at, days = connection.execute(
        """
        select
            (select epoch_us(max(last_instant_at)) from intermediate.int_site_days where period = ?),
            coalesce((select try_cast(value as integer) from policy.settings where setting = 'settling_days'), 0)
        """,
        [period],
    ).fetchone() or (None, 0)
    if ends_at is None:
        raise LedgerError(f"{period:%Y-%m} is not in the calendar of any site: run it first.")
    closable_at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=ends_at) + timedelta(days=days)
    if settings.as_of < closable_at:
        raise LedgerError(
            f"{period:%Y-%m} can be closed from {closable_at:%Y-%m-%dT%H:%M:%SZ} on, when it has ended in the zone of "
            f"its last site and {days} settling days have passed; it is {settings.as_of:%Y-%m-%dT%H:%M:%SZ}."
        )


def refuse_early(settings: Settings, period: date) -> None:
    """LedgerError for a period that has not ended and settled in any zone on earth (P8): before anything is loaded.

    `check_closable` decides once the sites are known; this saves the build of a run that can only be refused.
    """
    days = settling_days(settings)
    next_period = (period.replace(day=28) + timedelta(days=4)).replace(day=1)
    earliest = datetime(next_period.year, next_period.month, 1, tzinfo=UTC) - EARLIEST_ZONE + timedelta(days=days)
    if settings.as_of < earliest:
        raise LedgerError(
            f"{period:%Y-%m} can be closed when it has ended in the zone of its last site and {days} settling days "
            f"have passed, not before {earliest:%Y-%m-%dT%H:%M:%SZ}; it is {settings.as_of:%Y-%m-%dT%H:%M:%SZ}."
        )


def seal_period(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    period: date,
    by: str,
    run_id: str,
    log: Callable[[str], None] = print,
) -> Seal:
    """Write the period's seal from the marts as they stand, and chain it (SPEC C1). The gates are the caller's.

    Written under a temporary name, flushed to disk, renamed; then HEAD. LedgerError where the period cannot close.
    """
    chain = verify_chain(settings)
    for seal in chain.seals:
        if seal.period == period:
            log(f"{period:%Y-%m} is closed already, with seal {seal.seal_hash}: nothing changed.")
            return seal
    if chain.head and period < chain.head.period:
        raise LedgerError(
            f"{period:%Y-%m} lies before the last seal ({chain.head.period:%Y-%m}): what is found for it now is billed "
            "as an adjustment in the first open period."
        )
    check_closable(connection, settings, period, chain)
    settings.sealed.mkdir(parents=True, exist_ok=True)
    draft = settings.sealed / f".writing-{period:%Y-%m}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    files = _write_tables(connection, settings, period, draft)
    content = _describe(connection, settings, period, chain, files)
    raw = (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    seal = Seal(period, hashlib.sha256(raw).hexdigest(), content)
    _write(draft / SEAL_FILE, raw)
    closed = {"closed_by": by, "closed_at": datetime.now(UTC).isoformat(timespec="seconds"), "run_id": run_id}
    _write(draft / CLOSED_FILE, (json.dumps(closed, indent=2, ensure_ascii=False) + "\n").encode())
    _flush_folder(draft)
    # From here on a death is completed by the next reader: the journal says which seal was whole.
    _replace(settings.sealed / ".closing", f"{period:%Y-%m} {seal.seal_hash}\n".encode())
    _complete_interrupted(settings)
    log(f"{period:%Y-%m} is sealed: {seal.seal_hash}")
    return seal


def _write_tables(
    connection: duckdb.DuckDBPyConnection, settings: Settings, period: date, folder: Path
) -> dict[str, dict[str, Any]]:
    selections = SEALED_ROWS | SEALED_FOR_BOOKS
    for name in SEALED_POLICY:
        selections[f"policy_{name}"] = f"select * from policy.{name} order by all"
    threads = connection.execute("select current_setting('threads')").fetchone()
    files: dict[str, dict[str, Any]] = {}
    # One thread: the same rows are then the same bytes.
    connection.execute("set threads = 1")
    try:
        for name, rows in sorted(selections.items()):
            path = folder / f"{name}.parquet"
            statement = rows.replace("$period", f"date '{period:%Y-%m-%d}'").replace(
                "$issued_on", f"'{settings.as_of:%Y-%m-%d}'"
            )
            target = str(path).replace("'", "''")
            copy = f"copy ({statement}) to '{target}' (format parquet, compression zstd)"
            written = connection.execute(copy).fetchone()
            _flush(path)
            files[path.name] = {"rows": written[0] if written else 0, "sha256": file_sha256(path)}
    finally:
        if threads:
            connection.execute(f"set threads = {int(threads[0])}")
    return files


def _describe(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    period: date,
    chain: Chain,
    files: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    sums = connection.execute(
        """
        select currency_code, count(*), cast(sum(amount) as varchar) from billing.fct_invoice_lines
        where billing_period = ? and status = 'draft' group by currency_code order by currency_code
        """,
        [period],
    ).fetchall()
    first = connection.execute("select first_billed_period from intermediate.int_first_billed_period").fetchone()
    held = connection.execute(
        "select distinct contract_id from intermediate.int_contract_holds "
        "where is_held and billing_period = ? and contract_id is not null order by 1",
        [period],
    ).fetchall()
    # The code's own checksum: the same with git and without.
    code = code_version(settings)["sha256"]
    return {
        "format": FORMAT,
        "period": f"{period:%Y-%m}",
        "previous_hash": chain.head.seal_hash if chain.head else None,
        "previous_period": f"{chain.head.period:%Y-%m}" if chain.head else None,
        "first_billed_period": f"{first[0]:%Y-%m}" if first and first[0] else f"{period:%Y-%m}",
        "as_of": f"{settings.as_of:%Y-%m-%dT%H:%M:%SZ}",
        "inputs": input_files(connection),
        "issue_date": f"{settings.as_of:%Y-%m-%d}",
        "lines": {row[0]: row[1] for row in sums},
        "amounts": {row[0]: row[2] for row in sums},
        "held_contracts": [row[0] for row in held],
        "versions": {"code": code, "policy": policy_checksums(settings), "tzdata": tzdata_version(connection)},
        "files": files,
    }


def _complete_interrupted(settings: Settings) -> None:
    """Finish the renames of a close that had written its seal whole; remove what one that had not left behind."""
    journal = settings.sealed / ".closing"
    if journal.exists():
        name, _, seal_hash = journal.read_text(encoding="utf-8", errors="replace").strip().partition(" ")
        if not _is_period(name):
            raise _broken(f"{journal} names no period")
        draft, final = settings.sealed / f".writing-{name}", settings.sealed / name
        if draft.is_dir() and not final.exists():
            draft.rename(final)
            _flush_folder(settings.sealed)
        if (final / SEAL_FILE).is_file() and file_sha256(final / SEAL_FILE) == seal_hash:
            _replace(settings.sealed / "HEAD", f"{name} {seal_hash}\n".encode())
        journal.unlink()
        _flush_folder(settings.sealed)


def remove_leftovers(settings: Settings) -> None:
    """Remove what a close that died before its seal was whole has left; only the holder of the home's lock may."""
    if settings.sealed.exists():
        for leftover in settings.sealed.glob(".writing-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        for leftover in settings.sealed.glob(".*.new"):
            leftover.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, data: bytes, beside: Path | None = None) -> None:
    """A small file as a whole: old or new, never half. `beside`: where its new version is written."""
    fresh = (beside or path.parent) / f".{path.name.lstrip('.')}.new"
    _write(fresh, data)
    fresh.replace(path)
    _flush_folder(path.parent)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
