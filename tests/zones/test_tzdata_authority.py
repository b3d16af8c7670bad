"""The pinned tzdata package is the one authority: where other zone data differ is listed by name, and not followed."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import numpy as np
import pytest
from zone_oracle import BEGIN, DAY, END, local_date, stretches, zone_names
from zone_project import Project, write_messages, write_run, write_sites

from orchestration import zones
from orchestration.settings import PROJECT_ROOT

LISTED = Path(__file__).with_name("duckdb_zone_differences.csv")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
Offsets = Callable[[str, np.ndarray], np.ndarray]  # zone, seconds since 1970 -> offsets in seconds


def first_differences(offsets: Offsets) -> dict[str, int]:
    """By zone, the first second of 2005 to 2037 at which other zone data have another offset than the package."""
    found = {}
    for name in zone_names():
        own = stretches(name)
        changes = [moment + step for moment, _, _ in own.transitions() for step in (-1, 0)]
        moments = np.unique([*range(BEGIN, END, 7 * DAY), *changes])
        is_same = offsets(name, moments) == own.offset_at(moments * 1000)
        if is_same.all():
            continue
        at = int(np.argmin(is_same))
        low, high = int(moments[at - 1]) if at else BEGIN - 1, int(moments[at])
        while high - low > 1:
            middle = np.array([(low + high) // 2])
            if offsets(name, middle)[0] == own.offset_at(middle * 1000)[0]:
                low = int(middle[0])
            else:
                high = int(middle[0])
        found[name] = high
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Offsets]:
    """The offsets of DuckDB's own zones (ICU)."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")

        def offsets(name: str, moments: np.ndarray) -> np.ndarray:
            connection.register("moments", {"second": moments})
            answer = connection.execute(
                "select epoch_us(timezone($zone, make_timestamptz(second * 1000000))) // 1000000 - second as shift "
                "from moments",
                {"zone": name},
            )
            return np.asarray(answer.fetchnumpy()["shift"], np.int64)

        yield offsets


@pytest.fixture(scope="module")
def engine_differences(engine: Offsets) -> dict[str, int]:
    """By zone, the first second at which DuckDB's own zones differ."""
    return first_differences(engine)


def test_where_duckdbs_zones_differ_is_listed_by_name(engine_differences: dict[str, int]) -> None:
    """The list holds for the two releases of the lock; when either changes, it is to be read and written anew."""
    releases = {"tzdata": zones.tzdata_version(), "duckdb": duckdb.__version__}
    found = [
        {**releases, "time_zone": name, "differs_from": f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"}
        for name, second in sorted(engine_differences.items())
    ]
    if os.environ.get("LEDGER_WRITE_ZONE_DIFFERENCES"):
        with LISTED.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["tzdata", "duckdb", "time_zone", "differs_from"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(found)
    with LISTED.open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert found == listed, "read what changed, then write the list anew with LEDGER_WRITE_ZONE_DIFFERENCES=1"


def test_the_ledger_follows_tzdata_and_not_the_engine(
    project: Project, engine: Offsets, engine_differences: dict[str, int], database: duckdb.DuckDBPyConnection
) -> None:
    """In each zone on the list, messages of the first days on which the engine would say another date."""
    given: list[tuple[str, int, int]] = []  # zone, second, the engine's day
    for name, since in engine_differences.items():
        moments = np.arange(since, min(since + 400 * DAY, END), 900)
        by_engine = (moments + engine(name, moments)) // DAY
        wrong = np.flatnonzero(by_engine != stretches(name).day_at(moments * 1000))[:50]
        assert len(wrong), f"{name}: other offsets, but no other date within 400 days"
        given += [(name, int(moments[at]), int(by_engine[at])) for at in wrong]
    sites = sorted(engine_differences)
    epoch_ms = np.array([second * 1000 for _, second, _ in given])
    write_sites(database, [(name, name, LONG_AGO) for name in sites])
    zones.load_zone_offsets(database)
    write_run(database, datetime(2038, 1, 3, tzinfo=UTC), date(2037, 12, 1))
    numbers = np.array([sites.index(name) for name, _, _ in given])
    write_messages(database, sites, numbers, np.arange(len(given)), epoch_ms)
    project.build(database, "fct_daily_active_relationships")
    found = dict(
        database.execute(
            "select cast(substr(relationship_id, 2) as bigint), activity_date from usage.fct_daily_active_relationships"
        ).fetchall()
    )
    assert len(found) == len(given)
    for at, (name, second, by_engine) in enumerate(given):
        assert found[at] == local_date(name, second * 1000), (name, second)
        assert found[at] != date.fromordinal(by_engine + 719163), (name, second)


def test_the_zones_of_this_machine_are_listed_and_shut_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever release the machine has, if any: what differs is printed, and no offset of it is used."""
    machine: dict[str, ZoneInfo] = {}
    for name in zone_names():
        for folder in ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/zoneinfo"):
            path = Path(folder, *name.split("/"))
            if name not in machine and path.is_file():
                with path.open("rb") as file:
                    machine[name] = ZoneInfo.from_file(file, key=name)

    def offsets(name: str, moments: np.ndarray) -> np.ndarray:
        if name not in machine:
            return stretches(name).offset_at(moments * 1000)
        own = (datetime.fromtimestamp(moment, machine[name]).utcoffset() for moment in moments.tolist())
        return np.array([int(offset.total_seconds()) for offset in own if offset is not None])

    different = first_differences(offsets)
    with capsys.disabled():
        for name, second in sorted(different.items()):
            print(f"\n{name}: this machine differs from tzdata {zones.tzdata_version()} "
                  f"from {datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ} on", end="")  # fmt: skip
    for name in different:
        second = different[name]
        offset = next(
            offset for start, stop, offset in zones.zone_offsets(name) if start.timestamp() <= second < stop.timestamp()
        )
        assert offset == stretches(name).offset_at(np.array([second * 1000]))[0]
        assert offset != offsets(name, np.array([second]))[0]


def test_false_zone_files_of_a_machine_change_nothing(tmp_path: Path) -> None:
    """A process whose zone folder says Tokyo for everything loads the same offsets."""
    names = ["Africa/Casablanca", "America/Havana", "Europe/Berlin"]
    tokyo = zones._zone_file("Asia/Tokyo")
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tokyo)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from datetime import UTC, datetime\nfrom zoneinfo import ZoneInfo\nfrom orchestration import zones\n"
        "assert datetime(2026, 1, 1, tzinfo=ZoneInfo('Europe/Berlin')).utcoffset().total_seconds() == 32400\n"
        "for name in sys.argv[2:]:\n    print([(str(a), str(b), o) for a, b, o in zones.zone_offsets(name)])"
    )
    environment = {**os.environ, "PYTHONTZPATH": str(tmp_path), "TZDIR": str(tmp_path), "TZ": "Europe/Berlin"}
    answer = subprocess.run(
        [sys.executable, "-c", code, str(PROJECT_ROOT), *names],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    expected = [str([(str(a), str(b), offset) for a, b, offset in zones.zone_offsets(name)]) for name in names]
    assert answer.stdout.splitlines() == expected


def test_an_unknown_name_is_refused() -> None:
    for name in ("BST", "IST", "EST5EDT", "Etc/GMT+5", "UTC+2", "Europe/Atlantis", "", "../etc/passwd"):
        assert not zones.is_site_zone(name), name
    for name in ("UTC", "Asia/Calcutta", "America/Argentina/Buenos_Aires", "US/Pacific"):
        assert zones.is_site_zone(name), name
    with pytest.raises(ZoneInfoNotFoundError):
        ZoneInfo("Europe/Atlantis")
