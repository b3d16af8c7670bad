"""Which engine builds which table, read from dbt's manifest (`meta.engine`; docs/spark.md).

What belongs here: the two sides of a run where LEDGER_ENGINE is `spark`, and the edge between them. What does not:
running either side (models, build), and what any model means.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Manifest = Mapping[str, Any]
Node = Mapping[str, Any]
SPARK = "spark"


def engine_of(node: Node) -> str:
    """The engine of a model, where runs use both."""
    return str(node["config"]["meta"].get("engine", ""))


def spark_nodes(manifest: Manifest) -> list[str]:
    """The seeds, Spark's models and the tests that read nothing else: what dbt builds on Spark, by unique id."""
    return sorted(
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed"
        or (node["resource_type"] in ("model", "test") and _is_of_spark(manifest, node))
    )


def duckdb_nodes(manifest: Manifest) -> list[str]:
    """The seeds, DuckDB's models and every test that Spark cannot answer alone, by unique id."""
    return sorted(
        node["unique_id"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "seed"
        or (node["resource_type"] in ("model", "test") and not _is_of_spark(manifest, node))
    )


def spark_tables(manifest: Manifest) -> list[str]:
    """All of Spark's models, as schema.name."""
    return sorted(f"{node['schema']}.{node['name']}" for node in _models(manifest) if engine_of(node) == SPARK)


def edge_tables(manifest: Manifest) -> list[str]:
    """Spark's tables that DuckDB takes over, as schema.name: its own models and tests read them, or people do.

    Published marts, what a model or test of DuckDB's side reads, and what is marked `meta.is_edge`.
    """
    nodes = manifest["nodes"]
    read = {parent for unique_id in duckdb_nodes(manifest) for parent in _parents(nodes[unique_id])}
    return sorted(
        f"{node['schema']}.{node['name']}"
        for node in _models(manifest)
        if engine_of(node) == SPARK
        and (node["unique_id"] in read or "published" in node["tags"] or node["config"]["meta"].get("is_edge"))
    )


def names(manifest: Manifest, unique_ids: list[str]) -> list[str]:
    """Names for dbt's --select."""
    return [manifest["nodes"][unique_id]["name"] for unique_id in unique_ids]


def _models(manifest: Manifest) -> Iterator[Node]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def _parents(node: Node) -> list[str]:
    return [parent for parent in node["depends_on"].get("nodes", []) if parent.startswith("model.")]


def _is_of_spark(manifest: Manifest, node: Node) -> bool:
    """A model by its own mark; a test whose models are all Spark's, at least one."""
    if node["resource_type"] == "model":
        return engine_of(node) == SPARK
    read = _parents(node)
    return bool(read) and all(engine_of(manifest["nodes"][parent]) == SPARK for parent in read)
