"""C6 per feed, site and date: what is lost at one site cannot hide behind what is doubled at another."""

from __future__ import annotations

from pathlib import Path

import pytest
from models.runner import Scratch

from trust.small import Small
from trust.variants import Records, as_it_came, put, write_accounts


@pytest.fixture
def small(scratch: Scratch, tmp_path: Path) -> Small:
    made = Small.at(scratch, tmp_path)
    write_accounts(made.settings.landing)
    put(made.settings.landing, as_it_came(Records(7)))
    return made.run()


def test_every_feed_site_and_date_is_balanced(small: Small) -> None:
    assert small.imbalances() == []
    cells = small.rows(
        "select check_name, count(distinct feed), count(distinct site_id), count(distinct activity_date) "
        "from intermediate.int_record_balances where left_total > 0 group by 1 order by 1"
    )
    assert cells[0][:3] == ("counted_by_site_and_date", 1, 4) and cells[0][3] > 20
    assert cells[1] == ("received_by_site", 4, 4, 0)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("update intermediate.int_relationship_days set site_id = 'north' where site_id = 'south'",
         "counted_by_site_and_date"),
        ("update intermediate.int_relationship_days set activity_date = activity_date - 1 where site_id = 'east'",
         "counted_by_site_and_date"),
        ("update intermediate.int_record_outcomes set site_id = 'west' where feed = 'function_invocations'",
         "received_by_site"),
    ],
)  # fmt: skip
def test_what_moves_between_sites_and_dates_shows(small: Small, change: str, check: str) -> None:
    small.rows(change)
    again = ("int_record_balances", "fct_reconciliation")
    small.scratch.run(*again, without=[name for name in small.scratch.project.models if name not in again])
    assert {name.split(":")[0] for _, name, *_ in small.imbalances()} >= {check}
    # The sums over all sites still balance.
    sums = "select * from quality.fct_reconciliation where difference <> 0 and check_name like 'records%'"
    assert small.rows(sums) == []
