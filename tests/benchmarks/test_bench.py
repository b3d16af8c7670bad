"""`make bench` runs through at a small size, tells every ratio, and would notice a peer that bills otherwise."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from benchmarks import __main__ as command
from benchmarks import peer_polars, report
from benchmarks.bench import Bench
from benchmarks.compare import differences
from benchmarks.measure import Cost
from benchmarks.sections import peer
from benchmarks.shape import DAY_MS, DAYS, PERIOD, Month, begins_ms

SECTIONS = ["load", "build", "peer", "growth", "increment", "fixed"]  # site_days has a test of its own
MESSAGES = 20_000
SITES_AND_OFFSETS, STARTER_LINE = peer_polars.sites_and_offsets, peer_polars.starter_line


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One run of the benchmark, its homes still there."""
    folder = tmp_path_factory.mktemp("bench")
    measured = Bench(MESSAGES, folder, repeat=1, growth=3_000)
    command.run(measured, SECTIONS)
    yield measured
    shutil.rmtree(folder)


def test_every_ratio_is_a_number(bench: Bench) -> None:
    figures = json.loads(json.dumps(report.as_json(bench)))
    wanted = {name for name in report.RATIOS if not name.startswith(("site_day", "spark_"))}
    assert wanted == {name for name in figures if name.endswith("_ratio")}
    for name in wanted:
        assert figures[name] > 0, name
        assert figures["by_processor"][name] > 0, name
    assert figures["machine"]["cores"] >= 1
    assert figures["notes"]["sql_whole"]["messages"] == 3_000
    for piece in figures["pieces"].values():
        assert piece["peak_bytes"] > 10 << 20
        assert piece["processor_seconds"] > 0


def test_both_engines_stand_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cost = {"seconds": 2.0, "process_seconds": 3.0, "peak_bytes": 1 << 20}
    answer = {"duckdb": cost | {"processor_seconds": 2.5}, "spark": cost | {"seconds": 9.0, "processor_seconds": None}}
    answer |= {"spark_duckdb_ratio": 4.5}
    monkeypatch.setattr(command, "what_spark_lacks", lambda: None)
    monkeypatch.setattr(command, "run_process", lambda _: Cost(9, 9, 9, 1, answer))
    compared = Bench(10, tmp_path)
    command.run(compared, ["spark"])
    text = report.as_text(compared)
    assert re.search(r"^spark_duckdb_ratio +4\.50", text, re.M)
    assert re.search(r"^models_on_duckdb +2\.00 +3\.00 +2\.50", text, re.M)
    assert re.search(r"^models_on_spark +9\.00 +3\.00", text, re.M)


def test_without_spark_the_rest_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_SPARK_PYTHON", str(tmp_path / "python"))
    bare = Bench(10, tmp_path)
    command.run(bare, ["spark"])
    assert bare.notes == {"spark": "run `make spark` first"}


def test_a_person_reads_each_ratio_with_its_bound(bench: Bench) -> None:
    text = report.as_text(bench)
    for name, (bound, side, words) in report.RATIOS.items():
        if name in bench.ratios:
            row = next(line for line in text.splitlines() if line.startswith(f"{name} "))
            assert words in row
            assert bound is None or re.search(rf"{side} {bound:g}\s+(yes|NO)", row)


def test_the_peer_bills_what_we_bill(bench: Bench) -> None:
    peer.require_equal(bench.home.kept("built"), bench.home.path / "peer")
    lines = pl.read_parquet(bench.home.path / "peer" / "lines.parquet")
    assert lines.filter(pl.col("amount") > 0)["charge_id"].n_unique() >= 2


def utc_days(landing: Path, first_ms: int, last_ms: int) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    sites, offsets = SITES_AND_OFFSETS(landing, first_ms, last_ms)
    return sites, offsets.with_columns(offset_ms=pl.lit(0, pl.Int64))


def a_dollar_more(meter: str, quantity: int) -> tuple[str, Decimal, Decimal]:
    charge, credits_, amount = STARTER_LINE(meter, quantity)
    return charge, credits_, amount + (meter == "dar")


@pytest.mark.parametrize(
    ("name", "broken", "results"),
    [
        ("sites_and_offsets", utc_days, {"dars", "listening", "lines"}),
        ("LISTED", {"SHARK": "Web Messaging"}, {"lines"}),
        ("starter_line", a_dollar_more, {"lines"}),
    ],
)
def test_a_peer_that_bills_otherwise_is_noticed(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, broken: object, results: set[str]
) -> None:
    monkeypatch.setattr(peer_polars, name, broken)
    arguments = {
        "--landing": bench.home.landing,
        "--out": tmp_path,
        "--first-ms": begins_ms() - DAY_MS,
        "--last-ms": begins_ms() + (DAYS + 2) * DAY_MS,
        "--until": f"{PERIOD}-01",
    }
    peer_polars.main([str(word) for pair in arguments.items() for word in pair])
    assert set(differences(bench.home.kept("built"), tmp_path)) == results
    with pytest.raises(SystemExit, match="The peer's results are not ours"):
        peer.require_equal(bench.home.kept("built"), tmp_path)


def test_the_month_is_what_it_says(bench: Bench) -> None:
    """Several hundred sites over many zones, copies of a few percent of the conversations, every kind of sender."""
    with duckdb.connect(str(bench.home.kept("loaded")), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")

        def one(query: str) -> int:
            return connection.execute(query).fetchall()[0][0]

        assert one("select count(*) from raw.messages") == pytest.approx(MESSAGES, rel=0.15)
        assert one("select count(distinct time_zone) from raw.sites") == 20
        copies = one("select count(*) from raw.conversations")
        conversations = one("select count(distinct (site_id, conversation_id)) from raw.conversations")
        assert 1.01 < copies / conversations < 1.15
        assert conversations == pytest.approx(Month(MESSAGES).conversations, rel=0.01)
        assert one("select count(distinct user_type) from raw.agent_participants") == 3
        assert one("select count(*) from raw.rejected_records") == 0
        assert one("select count(*) from raw.cobrowse_sessions where is_interactive") > 0


def test_an_unknown_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(["--only", "load,bild"])
    assert "there is no bild" in capsys.readouterr().err
