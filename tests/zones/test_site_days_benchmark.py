"""The benchmark of site-local days runs, counts right, and is nowhere near the cost of a conversion per row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import site_days


def test_it_prints_both_counts_and_their_ratio(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert site_days.main(["--rows", "200000", "--repeat", "3", "--folder", str(tmp_path)]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["rows"] == 200_000
    assert figures["utc_day_dar"] == figures["utc_arithmetic_dar"]
    # Conversations of 30 minutes: other dates, but nearly as many.
    assert figures["site_day_dar"] != figures["utc_day_dar"]
    assert figures["site_day_dar"] == pytest.approx(figures["utc_day_dar"], rel=0.01)
    assert 0 < figures["site_day_ratio"] < 5
    assert list(tmp_path.iterdir()) == []
