"""The published file in a DuckDB 1.0 client from PyPI, in an environment of its own (issue 7, 5).

The environment is `.venv-duckdb10` in the project, made once and kept; git does not see it.
"""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from models.runner import ROOT

from end_to_end import cookbook
from end_to_end.story_demo import Demo

ENVIRONMENT = ROOT / ".venv-duckdb10"
NEEDED = ("duckdb==1.0.0", "pytz==2024.1")
CATALOG = """
select 'tables', count(*), count(*) filter (where coalesce(comment, '') = '') from duckdb_tables() where not internal
union all
select 'columns', count(*), count(*) filter (where coalesce(comment, '') = '') from duckdb_columns() where not internal
union all
select 'macros', count(*), count(*) filter (where coalesce(comment, '') = '') from duckdb_functions()
where not internal and function_type = 'table_macro'
order by all
"""
READ = """
import json, sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute("set TimeZone = 'UTC'")
counts = {}
for schema, name in connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall():
    counts[f"{schema}.{name}"] = connection.execute(f'select count(*) from "{schema}"."{name}"').fetchall()[0][0]
catalog = [list(row) for row in connection.execute(sys.argv[2]).fetchall()]
version = connection.execute("select version()").fetchall()[0][0]
print(json.dumps({"version": version, "catalog": catalog, "counts": counts}))
"""


@pytest.fixture(scope="session")
def old_python() -> Path:
    """The Python of the environment; RuntimeError with pip's words where PyPI cannot be reached."""
    (ROOT / "target").mkdir(exist_ok=True)
    with (ROOT / "target" / "duckdb10.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".installed"
        if not stamp.exists() or stamp.read_text() != " ".join(NEEDED):
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
            install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDED]
            done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=300)
            if done.returncode:
                raise RuntimeError(f"DuckDB 1.0 could not be installed:\n{done.stderr[-2000:]}")
            stamp.write_text(" ".join(NEEDED))
    return python


def told(python: Path, *arguments: str) -> str:
    done = subprocess.run([str(python), *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_table_comment_and_macro_is_read(demo_story: Demo, old_python: Path) -> None:
    seen = json.loads(told(old_python, "-c", READ, str(demo_story.published), CATALOG))
    assert seen["version"] == "v1.0.0"
    with duckdb.connect(str(demo_story.published), read_only=True) as connection:
        assert [list(row) for row in connection.execute(CATALOG).fetchall()] == seen["catalog"]
        for table, rows in seen["counts"].items():
            assert connection.execute(f"select count(*) from {table}").fetchall() == [(rows,)], table
    assert [row[0] for row in seen["catalog"] if row[1] and not row[2]] == ["columns", "macros", "tables"]
    assert sum(seen["counts"].values()) > 10_000


def test_the_whole_cookbook_gives_the_same_answers(demo_story: Demo, old_python: Path) -> None:
    page = told(old_python, str(Path(cookbook.__file__)), str(demo_story.published), "--print")
    assert page == cookbook.PAGE.read_text(encoding="utf-8")
