"""What the zone tests share: the compiled project, and every zone's offsets as the run loads them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent, HERE.parents[1]):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from zone_project import Project, compile_project  # noqa: E402

from orchestration import zones  # noqa: E402


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The dbt project, compiled once."""
    return compile_project(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def all_zone_offsets(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Parquet file with raw.zone_offsets as `load_zone_offsets` writes it for every name of the tzdata package."""
    folder = tmp_path_factory.mktemp("zone_offsets")
    with project.open(folder) as connection:
        zones.load_zone_offsets(connection, zones.zone_keys())
        connection.execute(f"copy raw.zone_offsets to '{folder / 'zone_offsets.parquet'}'")
    yield folder / "zone_offsets.parquet"


@pytest.fixture
def database(project: Project, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of its own with empty raw tables and the policy rows."""
    with project.open(tmp_path) as connection:
        yield connection
