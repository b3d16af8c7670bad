"""One text, two engines: whatever stands in a field, Spark's SQL and DuckDB's make the same of it."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest

pytest.importorskip("pyspark", reason="make test-spark has it")

from orchestration import leaves as duckdb_leaves
from orchestration.spark import layout, leaves
from spark.odd_files import INSTANTS, TWINS
from spark.sessions import local_session

PAIRS = {
    "milliseconds": (duckdb_leaves.milliseconds("v"), leaves.milliseconds("v")),
    "instant": (f"epoch_us({duckdb_leaves.instant('v')})", f"unix_micros({leaves.instant('v')})"),
    "twin": (f"epoch_us({duckdb_leaves.twin('v')})", f"unix_micros({leaves.twin('v')})"),
    "number": (duckdb_leaves.is_number("v"), leaves.is_number("v")),
    "truth": (duckdb_leaves.truth("v"), leaves.truth("v")),
    "month": (layout.month_in_duckdb(duckdb_leaves.twin("v")), layout.month_in_spark(leaves.twin("v"))),
}


def texts() -> list[str]:
    """Known edges, and texts put together at random from what instants and numbers are made of."""
    chance = random.Random(8)
    made = [str(value) for value in INSTANTS] + list(TWINS)
    for _ in range(4000):
        made.append("".join(chance.choice("0123456789.eE+- x_") for _ in range(chance.randint(1, 16))))
        date = f"{chance.choice((0, 1, 1582, 1969, 2016, 2026, 9999)):04d}-{chance.randint(0, 13):02d}"
        clock = f"{chance.randint(0, 25):02d}:{chance.randint(0, 61):02d}:{chance.randint(0, 61):02d}"
        fraction = chance.choice(("", ".5", ".000", ".1234567", ".999999999"))
        zone = chance.choice(("Z", "+00", "-0130", "+14:00", "+99:99", "", " Z"))
        made.append(f"{date}-{chance.randint(0, 32):02d}{chance.choice(' T')}{clock}{fraction}{zone}")
    return made


@pytest.fixture(scope="module")
def spark() -> Any:
    session = local_session()
    session.createDataFrame([(text,) for text in texts()], "v string").createOrReplaceTempView("texts")
    return session


@pytest.mark.parametrize("name", PAIRS)
def test_a_text_means_the_same_to_both_engines(name: str, spark: Any) -> None:
    in_duckdb, in_spark = PAIRS[name]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set disable_timestamptz_casts = true")
        connection.execute("create table texts as select unnest(?::varchar[]) as v", [texts()])
        expected = connection.execute(f"select v, {in_duckdb} from texts").fetchall()
    found = [tuple(row) for row in spark.sql(f"select v, {in_spark} from texts").collect()]
    assert len({row[1] for row in expected}) > 1
    assert [(one, other[1]) for one, other in zip(expected, found, strict=True) if one != other] == []
