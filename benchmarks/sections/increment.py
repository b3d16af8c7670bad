"""increment_ratio, publish_ratio and late_ratio: a day more, or late records, beside all of the month.

- increment_ratio: load and build of the last day's export on the other 29 days, over load and build of all 30.
- publish_ratio: publication of that day more, over publication of all 30 days where nothing was published before.
- late_ratio: conversations numbering 1 % of the month's, all over its days and sites, in one file that arrives in the
  next month: load and build of them over load and build of the whole month.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping

from benchmarks.bench import TINY, Bench
from benchmarks.homes import Home
from benchmarks.measure import Cost, Median
from benchmarks.payload import Writer
from benchmarks.sections import Pieces, Section
from benchmarks.shape import DAYS, NEXT_PERIOD, Month

LATE_OF = 100


def _pieces(bench: Bench) -> Pieces:
    home, another_day = bench.loaded, _last_days(bench)
    return {
        "load": home.loaded_anew,
        "build": lambda: home.built_from("loaded"),
        "publish": home.published_anew,
        "increment": lambda: _last_day(another_day),
        "publish_increment": lambda: another_day.piece("publish"),
        "late": _late(bench),
    }


def _last_days(bench: Bench) -> Home:
    """A home with 29 days loaded, built and published, and the last day's files beside theirs."""
    home = Home(bench.folder / "increment")
    last = (f"export_{DAYS:02d}_", f"functions_{DAYS:02d}.")
    home.link_landing(bench.home, lambda name: not name.startswith(last))
    bench.say(f"loading and building {DAYS - 1} days")
    home.piece("load")
    home.piece("build")
    home.published_anew()
    home.keep("before")
    shutil.copyfile(home.published, home.kept("published"))
    home.link_landing(bench.home)
    return home


def _last_day(home: Home) -> Cost:
    home.put_back("before")
    shutil.copyfile(home.kept("published"), home.published)
    home.read_through()
    return home.piece("load") + home.piece("build")


def _late(bench: Bench) -> Callable[[], Cost]:
    home = Home(bench.folder / "late")
    home.link_landing(bench.home)
    writer = Writer(Month(max(bench.messages // LATE_OF, TINY), seed=2), home.landing)
    writer.whole_month("late")
    writer.close()

    def measured() -> Cost:
        home.put_back("built", bench.home)  # `build` comes before it in each turn
        home.read_through()
        return home.piece("load", "--period", NEXT_PERIOD) + home.piece("build")

    return measured


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    for piece in ("increment", "late"):
        bench.conclude(found, f"{piece}_ratio", [piece], ["load", "build"])
    bench.conclude(found, "publish_ratio", ["publish_increment"], ["publish"])


INCREMENT = Section(_pieces, _conclude)
