"""The macros of instants and dates on both engines, around every change of every zone of the pinned tzdata.

What belongs here: instants, one query of the macros, its rows from either engine. What does not: whether DuckDB's are
right (tests/zones proves them against zoneinfo).
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import duckdb

from engines.compare import Comparison, compare
from orchestration import models, zones
from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.spark import build as spark

AROUND_US = (-86_400_000_000, -1_000_000, -1, 0, 1, 1_000_000, 86_400_000_000)
MACROS = """
with stretches as (
    select
        time_zone, valid_from, valid_to, utc_offset_seconds,
        {{ each_number(instant_bucket('valid_from'), instant_bucket(last_moment_before('valid_to'))) }} as bucket
    from {offsets}
),

dated as (
    select
        instants.time_zone, instants.happened_at, stretches.bucket, stretches.utc_offset_seconds, stretches.valid_from,
        {{ site_date('instants.happened_at', 'stretches.utc_offset_seconds') }} as site_date,
        {{ is_plausible('instants.happened_at', 'stretches.valid_to') }} as is_plausible
    from {instants} as instants
    inner join stretches
        on instants.time_zone = stretches.time_zone
        and {{ instant_bucket('instants.happened_at') }} = stretches.bucket
        and instants.happened_at >= stretches.valid_from
        and instants.happened_at < stretches.valid_to
)

select
    *,
    {{ instant_of_midnight('site_date', 'utc_offset_seconds') }} as midnight_at,
    {{ last_moment_before('happened_at') }} as before_at,
    {{ seconds_between('valid_from', 'happened_at') }} as seconds,
    {{ period_of('site_date') }} as period,
    {{ add_months(period_of('site_date'), 13) }} as later_period,
    {{ days_between(period_of('site_date'), 'site_date') }} as days,
    {{ period_text('site_date') }} as period_text
from dated
"""
ON_SPARK = """
import json, sys
from orchestration.spark.part import compiled, open_session
request = json.load(open(sys.argv[1]))
session = open_session(request)
for name in ("offsets", "instants"):
    session.read.parquet(request["input"] + "/" + name + ".parquet").createOrReplaceTempView(name)
session.sql(compiled(request, request["macros"])).write.parquet(request["output"])
session.stop()
"""


def zone_dates(folder: Path) -> Comparison:
    """Instants around each change of offset of all zones, with what the macros say of them, from both engines."""
    settings = Settings.from_environment(os.environ | {"LEDGER_HOME": str(folder), "LEDGER_ENGINE": "spark"})
    _write_inputs(settings)
    tables = {"offsets": folder / "offsets.parquet", "instants": folder / "instants.parquet"}
    macros = MACROS.replace("{offsets}", "offsets").replace("{instants}", "instants")
    left, right = folder / "warehouse.duckdb", folder / "spark.duckdb"
    compiled = models.compiled(settings, macros)
    with connect(settings) as connection:
        for name, file in tables.items():
            connection.execute(f"create or replace temp view {name} as select * from read_parquet('{file}')")
        connection.execute(f"create table main.zone_dates as {compiled}")
    output = folder / "spark_dates"
    request = spark.request_of(settings) | {"macros": macros, "input": str(folder), "output": str(output)}
    file = folder / "zones.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    done = subprocess.run(
        [str(settings.spark_python), "-c", ON_SPARK, str(file)],
        cwd=PROJECT_ROOT, env=spark.environment_of(settings), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"spark: {done.stderr[-3000:]}")
    with duckdb.connect(str(right)) as connection:
        connection.execute(f"create table zone_dates as select * from read_parquet('{output}/*.parquet')")
    return compare(left, right, ["main.zone_dates"])


def _write_inputs(settings: Settings) -> None:
    names = sorted(name for name in zones.zone_keys() if zones.is_site_zone(name))
    with connect(settings) as connection:
        zones.load_zone_offsets(connection, names)
        offsets, instants = settings.home / "offsets.parquet", settings.home / "instants.parquet"
        connection.execute(f"copy (select * exclude (tzdata_version) from raw.zone_offsets) to '{offsets}'")
        connection.execute(
            f"""
            copy (
                select distinct time_zone, make_timestamptz(epoch_us(valid_from) + around) as happened_at
                from raw.zone_offsets
                cross join (select unnest({list(AROUND_US)}) as around)
            ) to '{instants}'"""
        )
