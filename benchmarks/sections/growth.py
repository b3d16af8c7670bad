"""growth_ratio: load and build of the month over load and build of a tenth of it, both from files.

`--growth N` adds growth_build_ratio: the build of N messages over that of a tenth, the raw tables filled by SQL (files
of 100 million messages are 75 GB), with the process tree's peak memory and the bytes on disk per message; and
growth_increment_ratio and growth_publish_ratio: the build and the publication of one more day on those N messages over
the build and the first publication of N.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench import TINY, Bench
from benchmarks.homes import Home
from benchmarks.measure import Median
from benchmarks.payload import Writer
from benchmarks.sections import Pieces, Section
from benchmarks.sections.peer import peer
from benchmarks.shape import DAYS, Month

TIMES = 10


def _pieces(bench: Bench) -> Pieces:
    home = bench.loaded
    tenth = bench.lines_home("tenth", Month(max(bench.messages // TIMES, TINY)))
    bench.load_once(tenth)
    return {
        "load": home.loaded_anew,
        "build": lambda: home.built_from("loaded"),
        "load_tenth": tenth.loaded_anew,
        "build_tenth": lambda: tenth.built_from("loaded"),
        "peer_tenth": lambda: peer(tenth),
    }


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    bench.conclude(found, "growth_ratio", ["load", "build"], ["load_tenth", "build_tenth"])
    for name, kept in (("raw", "loaded"), ("warehouse", "built")):
        bench.notes[f"{name}_bytes_a_message"] = bench.home.kept(kept).stat().st_size / bench.messages


GROWTH = Section(_pieces, _conclude)


def run_by_sql(bench: Bench, messages: int) -> None:
    """Build and publication of so many messages and of a tenth, raw tables filled by SQL; once each: it takes long."""
    builds, publications = {}, {}
    for name, size in (("tenth", messages // TIMES), ("whole", messages)):
        home = Home(bench.folder / f"sql-{name}")
        month = Month(size)
        writer = Writer(month, home.landing)
        writer.reference()
        writer.users()
        writer.close()
        home.piece("load")
        home.piece("parse")
        bench.say(f"filling raw tables with {size:,} messages")
        bench.record({f"fill_sql_{name}": Median((home.piece("fill", "--messages", str(size)),))})
        raw = home.warehouse.stat().st_size
        bench.say(f"building {size:,} messages")
        builds[name] = Median((home.piece("build"),))
        bench.record({f"build_sql_{name}": builds[name]})
        bench.notes[f"sql_{name}"] = {
            "messages": size,
            "raw_bytes_a_message": raw / size,
            "warehouse_bytes_a_message": home.warehouse.stat().st_size / size,
        }
        bench.say(f"publishing {size:,} messages")
        publications[name] = Median((home.published_anew(),))
        bench.record({f"publish_sql_{name}": publications[name]})
        bench.notes[f"sql_{name}"]["published_bytes_a_message"] = home.published.stat().st_size / size
        if name == "whole":
            bench.say("building and publishing a day more")
            home.piece("fill", "--messages", str(size), "--day", str(DAYS))
            builds["day"] = Median((home.piece("build"),))
            publications["day"] = Median((home.piece("publish"),))
            bench.record({"build_sql_day": builds["day"], "publish_sql_day": publications["day"]})
        home.empty()
    bench.conclude(builds, "growth_increment_ratio", ["day"], ["whole"])
    bench.conclude(publications, "growth_publish_ratio", ["day"], ["whole"])
    bench.conclude(builds, "growth_build_ratio", ["whole"], ["tenth"])
