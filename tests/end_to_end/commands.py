"""Commands of a ledger as processes of their own, and what they leave in its home.

A command runs `python -m orchestration` from a copy of the project, so that its policy can be changed and nobody's
edits come between two runs. Most are forked from a server that has imported the tools (dbt, Dagster, Great
Expectations: half of a command's time) and nothing of the project; `is_plain` starts a new interpreter instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ("demo", "expectations", "macros", "models", "orchestration", "seeds", "tests/dbt",
           "dbt_project.yml", "profiles.yml", "requirements.txt")  # fmt: skip
TOOLS = ["duckdb", "dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb.connections", "great_expectations"]
TIMEOUT = 900.0  # seconds: only a command that hangs takes so long
LOOK = 0.02  # seconds between two looks at what a command has written


@dataclass(frozen=True)
class Answer:
    """How a command ended: its status and both streams."""

    arguments: tuple[str, ...]
    status: int
    output: str
    messages: str
    seconds: float

    @property
    def last_line(self) -> str:
        """What a person sees last: of the messages if it failed, else of the output."""
        lines = (self.messages if self.status else self.output).strip().splitlines()
        return lines[-1] if lines else ""

    def __str__(self) -> str:
        text = "\n".join(line for line in self.messages.splitlines() if not line.startswith("models "))
        return f"{' '.join(self.arguments)} ended with {self.status}:\n{text[-3000:]}\n{self.output[-1500:]}"


def _become(project: str, environment: dict[str, str], arguments: tuple[str, ...], streams: tuple[str, str]) -> None:
    """In a forked process: the command, as a new interpreter in the project's folder would run it."""
    for number, path in enumerate(streams, start=1):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(project)
    sys.path[:] = [project, *(path for path in sys.path if not Path(path or ".").resolve().is_relative_to(ROOT)
                              or "site-packages" in path)]  # fmt: skip
    sys.argv = ["orchestration", *arguments]
    runpy.run_module("orchestration", run_name="__main__", alter_sys=True)


class Command:
    """A command that was started; killed if a test leaves it behind."""

    def __init__(self, home: Home, arguments: tuple[str, ...], environment: dict[str, str], is_plain: bool) -> None:
        self.arguments = arguments
        self.started = time.monotonic()
        self.files = home.lab.stream_files()
        project = str(home.project)
        if is_plain:
            with self.files[0].open("wb") as output, self.files[1].open("wb") as messages:
                self._plain: subprocess.Popen[bytes] | None = subprocess.Popen(
                    [sys.executable, "-m", "orchestration", *arguments],
                    cwd=project, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=messages,
                )  # fmt: skip
        else:
            self._plain = None
            streams = (str(self.files[0]), str(self.files[1]))
            self._forked = home.lab.fork(project, environment, arguments, streams)

    @property
    def status(self) -> int | None:
        """None while it runs; minus the signal's number if one killed it."""
        return self._plain.poll() if self._plain else self._forked.exitcode

    @property
    def messages(self) -> str:
        """What it has said so far."""
        return self.files[1].read_text(encoding="utf-8", errors="replace") if self.files[1].exists() else ""

    def kill(self) -> Answer:
        """SIGKILL: no handler runs, nothing is cleaned up."""
        (self._plain or self._forked).kill()
        return self.wait()

    def wait(self) -> Answer:
        """The answer; TimeoutError after TIMEOUT, when the command has been killed."""
        if not self._until(lambda: self.status is not None):
            (self._plain or self._forked).kill()
            raise TimeoutError(f"{' '.join(self.arguments)} did not end in {TIMEOUT:.0f} s:\n{self.messages[-2000:]}")
        output = self.files[0].read_text(encoding="utf-8", errors="replace") if self.files[0].exists() else ""
        seconds = time.monotonic() - self.started
        return Answer(self.arguments, self.status or 0, output, self.messages, seconds)

    def wait_until(self, is_reached: Callable[[], bool]) -> bool:
        """Whether the condition came true before the command ended."""
        self._until(lambda: is_reached() or self.status is not None)
        return is_reached()

    def _until(self, is_true: Callable[[], bool]) -> bool:
        while not (done := is_true()) and time.monotonic() < self.started + TIMEOUT:
            time.sleep(LOOK)
        return done


class Lab:
    """A folder for homes and copies of the project, and the server that commands are forked from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user, self.temporary, self.streams = folder / "user", folder / "temporary", folder / "streams"
        for path in (self.user, self.temporary, self.streams):
            path.mkdir()
        self._count = iter(range(1_000_000))
        self._forks = multiprocessing.get_context("forkserver")
        self._forks.set_forkserver_preload(TOOLS)
        # A command that is killed leaves semaphores to Python's tracker, which frees them: nothing to warn of.
        with _environment(self.environment() | {"PYTHONWARNINGS": "ignore"}):
            multiprocessing.forkserver.ensure_running()
        self.commands: list[Command] = []
        self.is_closed = False

    def environment(self) -> dict[str, str]:
        """A clean environment: nothing of ours but the path; no usage statistics while the tools are imported."""
        return {
            "PATH": os.environ.get("PATH", ""), "HOME": str(self.user), "TMPDIR": str(self.temporary),
            "LANG": "C.UTF-8", "GX_ANALYTICS_ENABLED": "false", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip

    def stream_files(self) -> tuple[Path, Path]:
        """Where a command's two streams go."""
        number = next(self._count)
        return self.streams / f"{number}.out", self.streams / f"{number}.err"

    def fork(self, *arguments: object) -> multiprocessing.process.BaseProcess:
        """A process of the server's that becomes a command."""
        process = self._forks.Process(target=_become, args=arguments, daemon=True)
        process.start()
        return process

    def project(self, name: str) -> Path:
        """A copy of what a command needs of the project."""
        target = self.folder / name
        for part in PROJECT:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, target / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, target / part)
        return target

    def home(self, name: str, project: Path, **environment: str) -> Home:
        """A home without anything in it."""
        return Home(self, self.folder / name, project, environment)


@dataclass
class Home:
    """One LEDGER_HOME with the project that its commands run from."""

    lab: Lab
    folder: Path
    project: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def policy(self) -> Path:
        return self.project / "seeds" / "policy"

    @property
    def published(self) -> Path:
        return self.folder / "published" / "finance.duckdb"

    def start(self, *arguments: str, is_plain: bool = False, **variables: str) -> Command:
        """Start `python -m orchestration <arguments>` with its own clean environment."""
        if self.lab.is_closed:
            raise RuntimeError("the tests are over")
        environment = self.lab.environment() | {"LEDGER_HOME": str(self.folder)} | self.variables | variables
        command = Command(self, arguments, environment, is_plain)
        self.lab.commands.append(command)
        return command

    def run(self, *arguments: str, is_plain: bool = False, **variables: str) -> Answer:
        """The same, and wait for its answer."""
        return self.start(*arguments, is_plain=is_plain, **variables).wait()

    def must(self, *arguments: str, is_plain: bool = False, **variables: str) -> Answer:
        """The same; AssertionError with its words if it fails."""
        answer = self.run(*arguments, is_plain=is_plain, **variables)
        assert answer.status == 0, str(answer)
        return answer

    def bytes_of(self, *folders: str) -> dict[str, str]:
        """SHA-256 of every file in these folders of the home; who closed when (`closed.json`) is not compared."""
        return {
            path.relative_to(self.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in folders
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file() and path.name != "closed.json"
        }

    def query(self, sql: str) -> list[tuple]:
        """Rows of the published file."""
        with reading(self.published) as connection:
            return connection.execute(sql).fetchall()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file as a reader has it, instants in UTC."""
    with duckdb.connect(str(path), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Its tables, as `schema.name`."""
    rows = connection.execute("select schema_name || '.' || table_name from duckdb_tables() order by 1").fetchall()
    return [row[0] for row in rows]


def contents(path: Path, prefix: str = "", without: str = "") -> dict[str, str]:
    """A hash over the ordered rows of each table of a DuckDB file: the same rows, the same hash.

    `without`: a column that is left out where a table has it.
    """
    columns = f"columns(name -> name <> '{without}')"
    with reading(path) as connection:
        return {
            table: hashlib.sha256(
                repr(connection.execute(f"select {columns} from {table} order by all").fetchall()).encode()
            ).hexdigest()
            for table in tables(connection)
            if table.startswith(prefix)
        }


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Another environment of this process for a moment: a server started meanwhile inherits it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
