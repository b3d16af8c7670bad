"""`make bench`: what things cost, as ratios within one run (these machines are shared: seconds are not comparable)."""

from __future__ import annotations

import argparse
import sys

from benchmarks import site_days


def main() -> int:
    """Run every benchmark that there is at the size asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000)
    options = parser.parse_args()
    return site_days.main(["--rows", str(options.messages)])


if __name__ == "__main__":
    sys.exit(main())
