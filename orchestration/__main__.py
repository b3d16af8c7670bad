"""The command line: `python -m orchestration <command>`; the Makefile is a shorter way to say the same.

A command that fails ends with one line that says what is wrong and what to do, and a status of 1 (2: its arguments).
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

from orchestration.settings import LedgerError, Settings, parse_period
from orchestration.terminal import GREEN, RED, paint, table
from orchestration.troubles import is_full_disk, sentence_of

COMMANDS = [
    ("make demo", "sample landing data, one month closed and one as a draft"),
    ("make run PERIOD=2026-10", "load what is new, rebuild, gate, publish and export that month's draft"),
    ("make close PERIOD=2026-10", "the same and close it; BY=name, DRAFT=digest of the reviewed draft"),
    ("make verify", "prove the seals and landing files; HEAD=hash of the seal you noted"),
    ("make ui", "Dagster at http://127.0.0.1:3000; PORT=other"),
    ("make docs", "one static page with every table, column and its lineage"),
    ("make bench", "measure; MESSAGES=how many, GROWTH=how many more by SQL, ONLY=which sections"),
    ("make test", "lint and all tests"),
    ("make torture", "the tests of trust with many more examples, for hours; TESTS=which folder or file"),
    ("make spark", "the environment that LEDGER_ENGINE=spark needs"),
    ("make test-spark", "both engines on the same months, every table equal (Java 17)"),
    ("make lint", "style, SQL style and the house's rules"),
    ("python -m orchestration export-raw", "the raw tables as Parquet for Spark; --reference-only: without the feeds"),
]
ENVIRONMENT = [
    ("LEDGER_HOME", "the folder of everything but the code (default .ledger)"),
    ("LEDGER_AS_OF", "the one clock, such as 2026-11-20T12:00:00Z (default: now)"),
    ("LEDGER_PSEUDONYM_KEY", "consumer ids are stored under this key only"),
    ("LEDGER_MEMORY_LIMIT", "DuckDB's memory, such as 4GB"),
    ("LEDGER_LOCK_WAIT", "seconds to wait for another run (default 0)"),
    ("LEDGER_WEBHOOK_URL", "where failed runs are posted"),
    ("LEDGER_ENGINE", "duckdb (default) or spark: docs/spark.md"),
    ("LEDGER_LOADER", "duckdb (default) or, with LEDGER_ENGINE=spark, spark: docs/spark-loading.md"),
]


class Parser(argparse.ArgumentParser):
    """argparse with one clear sentence instead of a usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[0].upper()}{message[1:]}. Commands: make help.\n")


def build_parser() -> argparse.ArgumentParser:
    """The commands and their arguments; an empty argument is one that the Makefile was not given."""
    parser = Parser(prog="python -m orchestration", description="DAR Ledger")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    run = commands.add_parser("run", help="draft of a month")
    run.add_argument("--period", default="")
    close = commands.add_parser("close", help="close a month")
    close.add_argument("--period", default="")
    close.add_argument("--by", default="")
    close.add_argument("--draft", default="")
    verify = commands.add_parser("verify", help="prove the seals")
    verify.add_argument("--head", default="")
    commands.add_parser("demo", help="sample data, one month closed, one draft")
    ui = commands.add_parser("ui", help="Dagster")
    ui.add_argument("--port", type=int, default=3000)
    commands.add_parser("docs", help="the models' page")
    export = commands.add_parser("export-raw", help="the raw tables as Parquet for Spark")
    export.add_argument("--reference-only", action="store_true", help="only what Spark's own loader does not read")
    commands.add_parser("help", help="the commands")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked."""
    options = build_parser().parse_args(arguments)
    warnings.simplefilter("ignore")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return run_command(options)
    except LedgerError as error:
        # dbt, for one, does not parse a project for which there is no room.
        return _fail((is_full_disk(str(error)) and sentence_of(Settings.from_environment(), error)) or str(error))
    except OSError as error:
        return _fail(
            f"{error.filename or 'A file'} could not be used ({error.strerror or error}): make room or allow it."
        )
    except Exception as error:
        # Dagster's own storage, for one, meets a full disk too.
        words = sentence_of(Settings.from_environment(), error)
        if words is None:
            raise
        return _fail(words)
    except KeyboardInterrupt:
        return _fail("Stopped. Nothing is half-written: run the same command again.", 130)


def _fail(message: str, status: int = 1) -> int:
    sys.stdout.flush()
    print(paint(" ".join(message.split()), RED, sys.stderr), file=sys.stderr)
    return status


def run_command(options: argparse.Namespace) -> int:
    """Read the environment once, check the arguments, then import what the command needs."""
    if options.command == "help":
        print(table(["command", "what it does"], COMMANDS), table(["variable", "what it is"], ENVIRONMENT), sep="\n\n")
        return 0
    settings = Settings.from_environment()
    match options.command:
        case "run":
            return run(settings, parse_period(options.period))
        case "close":
            return close(settings, parse_period(options.period), options.by, options.draft)
        case "verify":
            from orchestration.verification import verify

            print(verify(settings, options.head))
            return 0
        case "demo":
            from orchestration.sample import run_demo

            print(run_demo(settings))
            return 0
        case "ui":
            return ui(settings, options.port)
        case "export-raw":
            return export_raw(settings, options.reference_only)
        case _:
            return docs(settings)


def run(settings: Settings, period: date) -> int:
    """The draft of a period: load, build, gate, publish, export; nothing where nothing has changed."""
    from orchestration.lock import home_lock
    from orchestration.summary import run_summary
    from orchestration.unchanged import finished_run

    with home_lock(settings):
        run_id = finished_run(settings, period)
    if run_id:
        print(run_summary(settings, period, run_id))
        print(paint(f"\nNothing has changed since the run {run_id}: everything is as it was.", GREEN))
        return 0
    from orchestration.flow import MONTHLY_RUN, run_job

    outcome = run_job(settings, MONTHLY_RUN, period)
    print(run_summary(settings, period, outcome.run_id))
    print(paint(f"\nDone in {outcome.seconds:.0f} s.", GREEN))
    return 0


def close(settings: Settings, period: date, by: str, draft: str) -> int:
    """Close a period: as a run, then seal it and export the final files."""
    from orchestration.flow import MONTHLY_CLOSE, close_config, run_job
    from orchestration.sealing import refuse_early
    from orchestration.summary import run_summary

    refuse_early(settings, period)
    outcome = run_job(settings, MONTHLY_CLOSE, period, close_config(by, draft))
    print(run_summary(settings, period, outcome.run_id))
    print(paint(f"\n{period:%Y-%m} is closed. Done in {outcome.seconds:.0f} s.", GREEN))
    return 0


def ui(settings: Settings, port: int) -> int:
    """Become Dagster's web server and daemon on this machine only."""
    from orchestration.instance import dagster_home

    environment = {
        **os.environ,
        "DAGSTER_HOME": str(dagster_home(settings)),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",  # this release has no other command
        "LEDGER_HOME": str(settings.home),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(settings.project_root), os.environ.get("PYTHONPATH")])),
    }
    places = [("Dagster", f"http://127.0.0.1:{port} (Ctrl-C ends it)"), ("home", str(settings.home))]
    print(table(["what", "where"], places), flush=True)
    # A shell starts what runs behind it deaf to SIGINT, with which Dagster ends its own children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(
        sys.executable,
        [
            sys.executable, "-m", "dagster", "dev", "-w", str(Path(__file__).with_name("workspace.yaml")),
            "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning",
        ],
        environment,
    )  # fmt: skip


def export_raw(settings: Settings, is_reference_only: bool) -> int:
    """The raw tables as Parquet that Spark reads, in place of those of the last time."""
    from orchestration.lock import home_lock
    from orchestration.spark import export

    with home_lock(settings):
        exported = export.export_raw(settings, is_reference_only)
    rows = [(one.name, one.rows, one.months, one.files, one.size_bytes) for one in exported if one.rows]
    folder = export.reference_folder(settings) if is_reference_only else export.raw_folder(settings)
    print(table(["table", "rows", "months", "files", "bytes"], rows))
    print(f"\n{len(exported)} tables, {sum(one.rows for one in exported):,} rows in {folder} (empty ones not listed)")
    return 0


def docs(settings: Settings) -> int:
    """dbt's documentation as one static page, and README's picture of the flow."""
    from orchestration.lock import home_lock
    from orchestration.models import read_manifest, write_docs
    from orchestration.picture import refresh

    with home_lock(settings):
        page: Path = write_docs(settings)
        is_new = refresh(settings.project_root / "README.md", read_manifest(settings))
    picture = "drawn again" if is_new else "is as it should be"
    print(table(["page", "where"], [("models, columns, lineage", str(page)), ("picture in README.md", picture)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
