"""The marts are the same in whatever zone the session or the machine is: by content, table by table."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from zone_project import Project, load, table_rows

import demo
from orchestration.settings import PROJECT_ROOT, Settings

PERIOD = date(2026, 11, 1)
AS_OF = datetime(2026, 11, 20, 12, tzinfo=UTC)
CHILD = """
import sys
from datetime import date, datetime
from pathlib import Path
sys.path[:0] = {folders!r}
from zone_project import load, run_dbt
from orchestration.settings import Settings, connect
assert datetime(2026, 6, 1).astimezone().utcoffset().total_seconds() == 12 * 3600
settings = Settings(home=Path({home!r}), as_of=datetime.fromisoformat({as_of!r}))
with connect(settings) as connection:
    load(connection, settings, date.fromisoformat({period!r}))
run_dbt(settings)
"""


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's landing folder, the late file too."""
    folder = tmp_path_factory.mktemp("session_zone") / "landing"
    demo.write_landing(folder)
    demo.write_late(folder)
    return folder


def home_with(landing: Path, project: Project, name: str) -> Settings:
    """A home of its own on the same landing files."""
    settings = Settings(home=landing.parent / name, as_of=AS_OF)
    settings.home.mkdir()
    settings.landing.symlink_to(landing)
    with project.open(settings.home):
        pass
    return settings


@pytest.fixture(scope="module")
def expected(landing: Path, project: Project) -> dict[str, list[tuple]]:
    """All published tables as a run in UTC has them."""
    settings = home_with(landing, project, "utc")
    with project.open(settings.home) as connection:
        load(connection, settings, PERIOD)
        project.build(connection)
        tables = {table: table_rows(connection, table) for table in project.published}
    for table in ("usage.fct_daily_active_relationships", "reference.dim_site_days", "billing.fct_invoice_lines"):
        assert tables[table], table
    return tables


def test_another_session_zone_changes_nothing(
    landing: Path, project: Project, expected: dict[str, list[tuple]]
) -> None:
    """With casts of instants allowed, so that one that slipped in would show as another date and not as an error."""
    settings = home_with(landing, project, "st_johns")
    with project.open(settings.home) as connection:
        connection.execute("set TimeZone = 'America/St_Johns'")
        connection.execute("set disable_timestamptz_casts = false")
        load(connection, settings, PERIOD)
        project.build(connection)
        assert connection.execute("select current_setting('TimeZone')").fetchall() == [("America/St_Johns",)]
        assert differing(project, connection, expected) == []
        # The zone is in force: what no model may do gives another date here.
        probe = "select cast(cast(timestamptz '2026-10-01 01:00:00+00' as date) as varchar)"
        assert connection.execute(probe).fetchall() == [("2026-09-30",)]


def test_another_zone_of_the_machine_changes_nothing(
    landing: Path, project: Project, expected: dict[str, list[tuple]]
) -> None:
    """A whole run, dbt and all, by a process whose TZ is Pacific/Auckland."""
    settings = home_with(landing, project, "auckland")
    folders = [str(Path(__file__).parent), str(PROJECT_ROOT)]
    code = CHILD.format(folders=folders, home=str(settings.home), as_of=AS_OF.isoformat(), period=PERIOD.isoformat())
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    with project.open(settings.home) as connection:
        assert differing(project, connection, expected) == []


def differing(project: Project, connection: object, expected: dict[str, list[tuple]]) -> list[str]:
    """Published tables whose rows are not the expected ones."""
    return [table for table in project.published if table_rows(connection, table) != expected[table]]  # type: ignore[arg-type]
