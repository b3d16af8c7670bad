"""Publication costs what changed: dates that are as they were are not hashed again, and nobody can tell.

The judge is a file written at once from the same warehouse: the same rows in the same places, the same hashes.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from house import build_marts, change, make_settings, published, query

from orchestration import content
from orchestration.content import Content, Part, Relation
from orchestration.publication import KNOWN, publish, published_file
from orchestration.published_macros import FOLDER
from orchestration.settings import PROJECT_ROOT, Settings
from orchestration.suites import PublishedTable

DARS = "usage.fct_daily_active_relationships"
# 40 dates of 7,000 rows: several of the engine's row groups, so that a date begins and ends inside one.
USAGE = f"""
create or replace table {DARS} as
select
    'site-' || (number % 3)::varchar as site_id, md5(number::varchar) as relationship_id,
    date '2026-03-01' + (number // 7000)::integer as activity_date
from range(280_000) as numbers (number)
order by md5(number::varchar);
"""
CHANGES = {
    "a day more": f"insert into {DARS} select 'site-9', i::varchar, date '2026-05-01' from range(50) as r (i)",
    "the last day changed": f"delete from {DARS} where activity_date = '2026-04-09' and site_id = 'site-1'",
    "a late day": f"update {DARS} set site_id = 'site-9' where activity_date = '2026-03-20' and site_id = 'site-1'",
    "a day that went": f"delete from {DARS} where activity_date = '2026-03-20'",
    "days before all others": f"insert into {DARS} values ('site-1', 'new', date '2025-12-31')",
    "rows of no date": f"insert into {DARS} values ('site-1', 'new', null)",
    "everything went": f"delete from {DARS}",
    "no usage, another line": "update billing.fct_invoice_lines set amount = amount + 1",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = make_settings(tmp_path)
    build_marts(made)
    change(made, USAGE)
    return made


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, date | None]]:
    """Which dates of which tables were hashed row by row."""
    seen: list[tuple[str, date | None]] = []
    read_rows = content._read_rows

    def spy(connection: duckdb.DuckDBPyConnection, relation: Relation, parts: list[Part]) -> list:
        seen.extend((f"{relation.schema}.{relation.name}", part.date) for part in parts)
        return read_rows(connection, relation, parts)

    monkeypatch.setattr(content, "_read_rows", spy)
    return seen


def quiet(_: str) -> None:
    """A log that nobody reads."""


def rows_in_place(settings: Settings, tables: list[PublishedTable]) -> dict[str, list[tuple]]:
    """Every row as it lies in the published file."""
    return {table.table: query(published_file(settings), f"from {table.table}") for table in tables}


def written_at_once(settings: Settings, tables: list[PublishedTable]) -> tuple[dict[str, Content], dict]:
    """What a publication makes that finds neither a file nor a hash."""
    change(settings, f"drop table {'.'.join(KNOWN)}")
    published_file(settings).unlink()
    return publish(settings, tables, quiet), rows_in_place(settings, tables)


@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES.keys())
def test_what_changed_makes_the_file_that_writing_at_once_makes(settings: Settings, sql: str) -> None:
    tables = published(settings, has_besides=True)
    publish(settings, tables, quiet)
    change(settings, sql)
    contents, rows = publish(settings, tables, quiet), rows_in_place(settings, tables)
    assert (contents, rows) == written_at_once(settings, tables)


def test_ten_days_one_after_the_other_make_the_file_of_all(settings: Settings) -> None:
    tables = published(settings, has_besides=True)
    change(settings, f"create table all_days as from {DARS}; delete from {DARS} where activity_date >= '2026-03-31'")
    publish(settings, tables, quiet)
    for day in range(10):  # each brings a day, and changes the day before
        change(
            settings,
            f"""
            delete from {DARS} where activity_date >= date '2026-03-30' + {day};
            insert into {DARS} select site_id || case when activity_date = date '2026-03-31' + {day}
                and activity_date < '2026-04-09' then '-' else '' end, relationship_id, activity_date
            from all_days where activity_date between date '2026-03-30' + {day} and date '2026-03-31' + {day}""",
        )
        contents = publish(settings, tables, quiet)
    assert contents[DARS].rows == 280_000
    assert (contents, rows_in_place(settings, tables)) == written_at_once(settings, tables)


def test_only_what_changed_is_written_and_hashed(settings: Settings, hashed: list[tuple[str, date | None]]) -> None:
    tables = published(settings, has_besides=True)
    logged: list[str] = []
    publish(settings, tables, logged.append)
    assert {day for table, day in hashed if table == DARS} == {
        row[0] for row in query(settings.warehouse, f"select distinct activity_date from {DARS}")
    }
    hashed.clear()
    change(settings, f"delete from {DARS} where activity_date = '2026-03-20' and site_id = 'site-1'")
    change(settings, CHANGES["the last day changed"])
    publish(settings, tables, logged.append)
    assert sorted(hashed) == [(DARS, date(2026, 3, 20)), (DARS, date(2026, 4, 9))]
    rows = query(settings.warehouse, f"select count(*) from {DARS} where activity_date >= '2026-03-20'")[0][0]
    assert logged[-1].endswith(f" {rows:,} of them written")
    hashed.clear()
    publish(settings, tables, logged.append)
    assert not hashed
    assert logged[-1].endswith("up to date")


def test_hashes_that_are_not_remembered_are_worked_out_again(
    settings: Settings, hashed: list[tuple[str, date | None]]
) -> None:
    tables = published(settings)
    first = publish(settings, tables, quiet)
    inode = published_file(settings).stat().st_ino
    change(settings, f"drop table {'.'.join(KNOWN)}")
    hashed.clear()
    assert publish(settings, tables, quiet) == first
    assert hashed
    assert published_file(settings).stat().st_ino == inode


def test_rows_in_another_place_are_another_hash() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table pair as select unnest([1, 2]) as number")
        connection.execute("create table turned as select unnest([2, 1]) as number")
        pair, turned = (content.table_content(connection, "memory", "main", name) for name in ("pair", "turned"))
    assert (pair.rows, pair.sha256 == turned.sha256) == (2, False)


def test_room_that_changes_leave_is_given_back(settings: Settings) -> None:
    tables = published(settings, has_besides=True)
    publish(settings, tables, quiet)
    full = published_file(settings).stat().st_size
    change(settings, CHANGES["everything went"])
    publish(settings, tables, quiet)
    assert published_file(settings).stat().st_size >= full
    change(settings, CHANGES["no usage, another line"])
    publish(settings, tables, quiet)
    assert published_file(settings).stat().st_size < full / 2


def test_a_file_that_does_not_lie_by_date_is_written_at_once(settings: Settings) -> None:
    tables = published(settings, has_besides=True)
    first = publish(settings, tables, quiet), rows_in_place(settings, tables)
    with duckdb.connect(str(published_file(settings))) as other:
        other.execute(f"create temp table turned as from {DARS} order by relationship_id; delete from {DARS}")
        other.execute(f"insert into {DARS} from turned")
    assert rows_in_place(settings, tables) != first[1]
    assert (publish(settings, tables, quiet), rows_in_place(settings, tables)) == first


def test_a_rewritten_file_is_still_one_for_older_clients(settings: Settings) -> None:
    tables = published(settings, has_besides=True)
    for sql in ("select 1", CHANGES["a day more"]):
        change(settings, sql)
        publish(settings, tables, quiet)
        tags = "select tags['storage_version'] from duckdb_databases() where database_name = 'finance'"
        assert query(published_file(settings), tags) == [("v1.0.0+",)]


def test_a_file_of_other_columns_is_written_at_once(settings: Settings) -> None:
    tables = published(settings)
    publish(settings, tables, quiet)
    change(settings, "alter table billing.fct_periods alter state type varchar using upper(state)")
    change(settings, "alter table billing.fct_invoice_line_tiers alter amount type decimal(38, 2)")
    publish(settings, tables, quiet)
    types = query(
        published_file(settings),
        "select data_type from duckdb_columns() where table_name = 'fct_invoice_line_tiers' and column_name = 'amount'",
    )
    assert types == [("DECIMAL(38,2)",)]


def test_no_macro_names_several_excluded_columns() -> None:
    """The engine tells such a list in another order after a rewrite: the file would never be known as up to date."""
    several = re.compile(r"\*\s*(exclude|replace|rename)\s*\([^)]*,", re.IGNORECASE)
    assert several.search("select t.* exclude (a, b) from t") and not several.search("select * exclude (a), b from t")
    files = sorted((PROJECT_ROOT / FOLDER).glob("*.sql"))
    assert files and not [path.name for path in files if several.search(path.read_text(encoding="utf-8"))]
