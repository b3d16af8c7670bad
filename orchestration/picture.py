"""The picture of the flow in README.md, drawn from dbt's manifest: what reads what, a box a schema.

`make docs` draws it again; a test keeps the README true. What does not belong here: the page of all models (models).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import networkx

from orchestration.settings import LedgerError

BEGIN, END = "<!-- picture: drawn by `make docs` -->\n", "<!-- end of picture -->\n"
SAYS = {
    "raw": "as it arrived, a row a record",
    "policy": "rates, rules, settings as rows",
    "staging": "renamed and typed",
    "intermediate": "metered, rated, adjusted",
    "usage": "what was counted",
    "billing": "lines, documents, periods",
    "quality": "nothing lost: reconciled to zero",
    "reference": "sites, contracts, plans",
    "support": "cases and promises",
}
# What stands around the tables: folders, and the two doors that Great Expectations guards.
AROUND = """\
    landing[/"landing/<br>files as they arrive"/] --> raw
    gate1{{"gate 1<br>what was loaded"}}
    gate2{{"gate 2<br>what goes out"}}
    gate2 --> published[("published/finance.duckdb")]
    gate2 --> exports[/"exports/YYYY-MM/"/]
    gate2 -->|make close| sealed[("sealed/YYYY-MM<br>write-once chain")]
    sealed --> raw
"""


def draw(manifest: Mapping[str, Any]) -> str:
    """The flow as a Mermaid flowchart: an arrow where a schema's models read another's, shortcuts left out."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    tables = {key: node for key, node in nodes.items() if node["resource_type"] in ("model", "seed", "source")}
    reads = {
        (tables[parent]["schema"], node["schema"])
        for node in tables.values()
        for parent in node.get("depends_on", {}).get("nodes", [])
        if parent in tables and tables[parent]["schema"] != node["schema"]
    }
    flow = networkx.transitive_reduction(networkx.DiGraph(sorted(reads)))
    lines = ["```mermaid", "flowchart LR", AROUND.rstrip()]
    for schema in sorted(flow):
        says = f"<br>{SAYS[schema]}" if schema in SAYS else ""
        lines.append(f'    {schema}["{schema}{says}"]')
    for parent, child in sorted(flow.edges):
        lines.append(f"    raw --> gate1 --> {child}" if parent == "raw" else f"    {parent} --> {child}")
    lines += [f"    {schema} --> gate2" for schema in sorted(flow) if not flow.out_degree(schema)]
    return "\n".join([*lines, "```"]) + "\n"


def replaced(readme: str, picture: str) -> str:
    """README's text with its picture drawn anew; LedgerError where the marks around it are gone."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise LedgerError(f"README.md has no place for the picture: put {BEGIN.strip()} and {END.strip()} into it.")
    return f"{before}{begin}{picture}{end}{after}"


def refresh(readme: Path, manifest: Mapping[str, Any]) -> bool:
    """Draw README's picture again; True where that changed it."""
    old = readme.read_text(encoding="utf-8")
    new = replaced(old, draw(manifest))
    if new != old:
        readme.write_text(new, encoding="utf-8")
    return new != old
