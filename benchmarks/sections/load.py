"""load_ratio: files to raw tables, beside reading the same bytes as text.

`.jsonl` files to raw tables (all feeds, reference and zones; hashed, with manifest and rejects) over DuckDB reading
the same files as one text column, a row a line, and adding up the lines' bytes; nothing of the text is stored.
load_pages_ratio is the same for `.json` pages of 100 records, a page being one line. load_stored_ratio and
load_pages_stored_ratio are over storing those lines in a table of a DuckDB file; load_bare_ratio and
load_pages_bare_ratio over one `read_json` that stores seven columns of each message; load_least_ratio and
load_pages_least_ratio over what no loader can leave out, hashing and parsing, with nothing kept of it. least_text_ratio
and least_pages_text_ratio are that over the text: below them no load_ratio can come. Each reads from the page cache.
"""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench import Bench
from benchmarks.measure import Median
from benchmarks.sections import Pieces, Section


def _pieces(bench: Bench) -> Pieces:
    home, pages = bench.home, bench.pages
    return {
        "text": home.read_as_text,
        "text_stored": lambda: home.read_as_text("--is-stored"),
        "least": home.read_at_least,
        "bare": home.read_barely,
        "load": home.loaded_anew,
        "text_pages": pages.read_as_text,
        "text_pages_stored": lambda: pages.read_as_text("--is-stored"),
        "least_pages": pages.read_at_least,
        "bare_pages": pages.read_barely,
        "load_pages": pages.loaded_anew,
    }


def _conclude(bench: Bench, found: Mapping[str, Median]) -> None:
    for load in ("load", "load_pages"):
        text, bare, least = (load.replace("load", other) for other in ("text", "bare", "least"))
        bench.conclude(found, f"{load}_ratio", [load], [text])
        bench.conclude(found, f"{load}_stored_ratio", [load], [f"{text}_stored"])
        bench.conclude(found, f"{load}_bare_ratio", [load], [bare])
        bench.conclude(found, f"{load}_least_ratio", [load], [least])
        bench.conclude(found, f"{least}_text_ratio", [least], [text])


LOAD = Section(_pieces, _conclude)
