"""What a ledger with closed periods must publish, by the oracle: seals as they were closed, then the draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import oracle
from oracle.arithmetic import next_month
from oracle.rating import Line, invoices, line_rows


@dataclass(frozen=True)
class Moment:
    """A landing folder, a policy and a clock as a close or a run finds them; `held` are the contracts it holds."""

    landing: Path
    policy: Path
    as_of: datetime
    period: date
    held: frozenset[str] = frozenset()

    def state(self) -> oracle.State:
        """What the oracle reads there."""
        return replace(oracle.state_of(self.landing, self.policy, self.as_of, self.period), held=self.held)


def expected(closes: Sequence[Moment], now: Moment) -> oracle.Result:
    """The rows that the published file must hold after these closes and a run at `now`.

    A held contract's lines of its own period stand beside the seals as long as that period is the run's.
    """
    ledger = oracle.Ledger(closes[0].period)
    for close in closes:
        ledger = oracle.close(close.state(), ledger, close.period)
    state = now.state()
    lines = [line for seal in ledger.seals for line in seal.lines] + oracle.draft(state, ledger, now.period)
    bases = {charge.charge_id: charge.price_basis for charge in state.policy.charges}
    lines = [_as_shown(line, bases) for line in lines]
    rows, site_rows, tier_rows = line_rows(lines)
    result = oracle.compute(now.landing, now.policy, now.as_of, now.period)
    documents = invoices(lines, state.contracts)
    return replace(
        result, lines=rows, line_sites=site_rows, line_tiers=tier_rows, invoices=documents, line_objects=lines
    )


def _as_shown(line: Line, bases: dict[str, str | None]) -> Line:
    """An adjustment is shown with its whole usage period and its charge's price basis."""
    if line.line_kind != "adjustment":
        return line
    return replace(
        line,
        usage_from=line.usage_period,
        usage_to=next_month(line.usage_period),
        price_basis=bases.get(line.charge_id or ""),
    )
