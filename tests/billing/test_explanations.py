"""explain_invoice_line and usage_behind: every sum comes to what it says, every quantity is accounted for (issue 7, 1).

On random contracts, plans and usage the arithmetic that the macro prints is worked out again with fractions.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from models.published import USAGE, check_bridge, check_explanations, with_macros, worked_out
from models.runner import Scratch
from rating_cases import Batch, batches, load
from test_rating_properties import IDLE

MARTS = (
    "fct_invoice_bridge",
    "fct_invoice_line_sites",
    "fct_invoice_line_terms",
    "fct_invoice_line_tiers",
    "fct_invoices",
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Scratch]:
    made = Scratch()
    made.fill("raw.run_settings", [{"as_of": "2026-01-01 00:00:00+00", "period": "2026-01-01", "tzdata_version": "-"}])
    made.run(*IDLE, *USAGE, *MARTS)
    with_macros(made)
    yield made
    made.close()


@settings(max_examples=max(settings().max_examples // 2, 5))
@given(batch=batches())
def test_every_line_of_random_contracts_explains_its_amount(scratch: Scratch, batch: Batch) -> None:
    load(batch, scratch)
    scratch.run(*MARTS, without=(*IDLE, *USAGE))
    lines = scratch.rows("select count(*) as lines from billing.fct_invoice_lines where line_kind <> 'credit'")
    # Of many lines a stretch of names is asked for: each call reads the tables anew.
    ids = [
        row["invoice_line_id"]
        for row in scratch.rows(
            "select invoice_line_id from billing.fct_invoice_lines order by md5(invoice_line_id) limit 12"
        )
    ]
    assert check_explanations(scratch.connection, ids) or not lines[0]["lines"]
    terms = [charge.charge_id for charge in batch.charges] + [charge.effective_to for charge in batch.charges]
    check_bridge(scratch.connection, terms_change=len(set(terms)) < len(terms) or bool(batch.tiers))


def test_sums_are_worked_out_exactly() -> None:
    assert worked_out("round(10 / 3 * 1, 0)") == 3
    assert worked_out("round(0.005 * 1, 2) - round(-0.005, 2)") == worked_out("0.02")
    assert worked_out("least(greatest(0 * 39 + 1 * 45, 50), 49.5)") == worked_out("49.5")
    with pytest.raises(ValueError, match="import"):
        worked_out("[import_it]")
