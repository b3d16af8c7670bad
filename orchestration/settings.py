"""The environment of one run, read once, and the one way to open the warehouse.

What belongs here: variables, paths, the run's clock, the DuckDB connection, the pseudonym key's check.
What does not: anything that reads landing files or knows a table's meaning.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

PROJECT_ROOT = Path(__file__).resolve().parent.parent
RAW_TABLES = Path(__file__).with_name("raw_tables.sql")
FINGERPRINT_WORD = b"DAR Ledger pseudonym key"
ENGINES = ("duckdb", "spark")
LARGEST_MEMORY = 1 << 60  # bytes: what DuckDB reads as a size
HMAC_BLOCK = 64  # bytes in a block of SHA-256
_swept: set[Path] = set()


class LedgerError(Exception):
    """What a person can mend. The message says what is wrong and what to do; no stack trace is shown."""


@dataclass(frozen=True)
class Settings:
    """What a run was told: its home folder, its one clock, the pseudonym key and the memory ceiling."""

    home: Path
    as_of: datetime
    pseudonym_key: bytes | None = field(default=None, repr=False)
    memory_limit: str | None = None
    project_root: Path = PROJECT_ROOT
    engine: str = "duckdb"
    loader: str = "duckdb"
    spark_python: Path = PROJECT_ROOT / ".venv-spark" / "bin" / "python"
    spark_master: str = "local[*]"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the LEDGER_ variables, each with its default; LedgerError for a value that cannot be meant."""
        env = os.environ if environment is None else environment
        home = Path(env.get("LEDGER_HOME") or PROJECT_ROOT / ".ledger").expanduser()
        if "?" in str(home):
            raise LedgerError(f"LEDGER_HOME is {str(home)!r}: DuckDB takes a question mark for the end of the path.")
        if str(home) != os.fsencode(home).decode("utf-8", "replace"):
            raise LedgerError(f"LEDGER_HOME is {str(home)!a}, which is no UTF-8: choose another folder.")
        engine = parse_engine(env.get("LEDGER_ENGINE"))
        return cls(
            home=Path(os.path.abspath(home)),
            as_of=parse_as_of(env.get("LEDGER_AS_OF")),
            pseudonym_key=os.fsencode(env.get("LEDGER_PSEUDONYM_KEY") or "") or None,
            memory_limit=parse_memory_limit(env.get("LEDGER_MEMORY_LIMIT")),
            engine=engine,
            loader=parse_loader(env.get("LEDGER_LOADER"), engine),
            spark_python=Path(env.get("LEDGER_SPARK_PYTHON") or cls.spark_python),
            spark_master=env.get("LEDGER_SPARK_MASTER") or cls.spark_master,
        )

    @property
    def landing(self) -> Path:
        return self.home / "landing"

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse.duckdb"

    @property
    def sealed(self) -> Path:
        return self.home / "sealed"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def exports(self) -> Path:
        return self.home / "exports"

    @property
    def temporary(self) -> Path:
        return self.home / "tmp"

    @property
    def memory_limit_of_spark(self) -> str:
        """LEDGER_MEMORY_LIMIT in Spark's words, whole mebibytes; for its driver, which in local mode is all of it."""
        match = re.fullmatch(r"([0-9.]+)\s*([KMGT]?)(i?)B", self.memory_limit or "4GB", re.IGNORECASE)
        assert match  # parse_memory_limit let it through
        step = 1024 if match[3] else 1000
        size = float(match[1]) * step ** " KMGT".index(match[2].upper() or " ")
        return f"{max(int(size / 1024**2), 512)}m"

    @property
    def policy(self) -> Path:
        return self.project_root / "seeds" / "policy"


def parse_as_of(text: str | None) -> datetime:
    """LEDGER_AS_OF as an instant in UTC; without one the present instant. LedgerError without a zone."""
    if not text:
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is None:
            raise ValueError("no zone")
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise LedgerError(
            f"LEDGER_AS_OF is {text!r}: write an ISO 8601 instant with its zone, such as 2026-11-20T12:00:00Z."
        ) from error


def parse_memory_limit(text: str | None) -> str | None:
    """LEDGER_MEMORY_LIMIT in DuckDB's words, such as 4GB or 512MiB; None if not set."""
    if not text:
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)i?B", text.strip(), re.IGNORECASE | re.ASCII)
    if not match or float(match[1]) * 1024 ** " KMGT".index(match[2].upper() or " ") >= LARGEST_MEMORY:
        raise LedgerError(f"LEDGER_MEMORY_LIMIT is {text!r}: write a number and a unit, such as 4GB or 512MiB.")
    return text.strip()


def parse_engine(text: str | None) -> str:
    """LEDGER_ENGINE, `duckdb` unless set; LedgerError for another word."""
    engine = (text or "duckdb").strip().lower()
    if engine not in ENGINES:
        raise LedgerError(f"LEDGER_ENGINE is {text!r}: write {' or '.join(ENGINES)}.")
    return engine


def parse_loader(text: str | None, engine: str) -> str:
    """LEDGER_LOADER, `duckdb` unless set; LedgerError for another word, and for `spark` without that engine."""
    loader = (text or "duckdb").strip().lower()
    if loader not in ENGINES:
        raise LedgerError(f"LEDGER_LOADER is {text!r}: write {' or '.join(ENGINES)}.")
    if loader == "spark" and engine != "spark":
        raise LedgerError("LEDGER_LOADER is `spark` and LEDGER_ENGINE is not: set LEDGER_ENGINE=spark as well.")
    return loader


def parse_period(text: str | None) -> date:
    """A calendar month `YYYY-MM` as its first day; LedgerError for anything else."""
    period = month_of((text or "").strip())
    if period is None:
        raise LedgerError(f"PERIOD is {text or 'empty'!r}: write a month as YYYY-MM, such as 2026-10.")
    return period


def month_of(text: str) -> date | None:
    """The first day of a month `YYYY-MM`, in a year whose neighbours are years too; None for anything else."""
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text, re.ASCII)
    if match and 1 <= int(match[2]) <= 12 and date.min.year < int(match[1]) < date.max.year:
        return date(int(match[1]), int(match[2]), 1)
    return None


def connect(settings: Settings, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse with the run's zone, memory ceiling and spill folder; a writer also gets the raw tables.

    LedgerError when another process holds the file or the file is not readable as a DuckDB database.
    """
    settings.temporary.mkdir(parents=True, exist_ok=True)
    try:
        # No settings at opening: DuckDB refuses a second connection of this process that opens with others.
        connection = duckdb.connect(str(settings.warehouse), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise LedgerError(
                f"{settings.warehouse} is in use by another process: close it there, or wait for the other run to end."
            ) from error
        raise LedgerError(
            f"{settings.warehouse} cannot be opened ({error}). It can be rebuilt: move it away and run again."
        ) from error
    if not read_only:
        _sweep(settings)
    spill = str(settings.temporary).replace("'", "''")
    _set_session(connection)
    connection.execute("set preserve_insertion_order = true")
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute(f"set temp_directory = '{spill}'")
    if settings.memory_limit:
        connection.execute(f"set memory_limit = '{settings.memory_limit}'")
    if not read_only:
        connection.execute(RAW_TABLES.read_text(encoding="utf-8"))
    return connection


def second_connection(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same warehouse: its own transactions and temporary tables, for another thread."""
    place = connection.execute("select current_database(), current_schema()").fetchall()[0]
    other = connection.cursor()
    other.execute("use " + ".".join(f'"{name}"' for name in place))
    _set_session(other)
    return other


def _set_session(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set disable_timestamptz_casts = true")


def _sweep(settings: Settings) -> None:
    """Remove what a killed run left in the spill folder; once a process, whose own spill files must stay."""
    if settings.temporary in _swept:
        return
    _swept.add(settings.temporary)
    for pattern in ("duckdb_temp_*", "landing-*"):
        for left in settings.temporary.glob(pattern):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def hmac_blocks(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded key blocks of HMAC-SHA256 (RFC 2104), for computing it with sha256() alone."""
    block = (hashlib.sha256(key).digest() if len(key) > HMAC_BLOCK else key).ljust(HMAC_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


def pseudonym_fingerprint(key: bytes | None) -> str | None:
    """What the warehouse keeps of the key: the HMAC of a fixed word, from which neither key nor ids follow."""
    return hmac.new(key, FINGERPRINT_WORD, hashlib.sha256).hexdigest() if key else None


def check_pseudonym_key(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Stop a run whose LEDGER_PSEUDONYM_KEY is not the one that the loaded rows were written under (SPEC 6).

    Nothing is written before the check; a warehouse without loaded conversations takes the present key.
    """
    stored = connection.execute("select fingerprint from raw.pseudonym_key").fetchone()
    present = pseudonym_fingerprint(settings.pseudonym_key)
    if (stored[0] if stored else None) == present:
        return
    loaded = connection.execute(
        "select count(*) from raw.landing_contents where feed = 'messaging_interactions'"
    ).fetchone()
    if loaded and loaded[0]:
        was = (
            "under another LEDGER_PSEUDONYM_KEY"
            if stored and present
            else ("under a LEDGER_PSEUDONYM_KEY, and none is set now" if stored else "without a LEDGER_PSEUDONYM_KEY")
        )
        raise LedgerError(
            f"The consumer ids in {settings.warehouse} were stored {was}. Set the environment as it was, "
            "or delete that file and run again: it is rebuilt from landing."
        )
    connection.begin()
    connection.execute("delete from raw.pseudonym_key")
    if present:
        connection.execute("insert into raw.pseudonym_key values (?)", [present])
    connection.commit()
