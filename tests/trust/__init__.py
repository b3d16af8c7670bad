"""Nothing lost, nothing leaked, nothing half-done: what must hold whatever arrives and whoever dies.

`small` is a ledger without dbt's fixed costs; `damages` are kinds of bad input. `make torture` runs the same with many
more examples (`often`).
"""

from __future__ import annotations

import os


def often(bounded: int, torture: int) -> int:
    """How many examples: few in `make test`, many in `make torture`; LEDGER_TORTURE_TIMES multiplies the latter."""
    if os.environ.get("HYPOTHESIS_PROFILE") != "torture":
        return bounded
    return max(int(torture * float(os.environ.get("LEDGER_TORTURE_TIMES") or "1")), bounded)
