"""A project as the house rules see it: dbt's manifest and the folder that it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = "dar_ledger"
Node = Mapping[str, Any]


@dataclass(frozen=True)
class House:
    """A project as the rules see it: dbt's manifest (`dbt parse`) and the folder that it was made from."""

    manifest: Mapping[str, Any]
    root: Path

    def nodes(self, *kinds: str) -> list[Node]:
        """The project's own nodes of these resource types, by name."""
        found = [
            node
            for node in self.manifest["nodes"].values()
            if node["resource_type"] in kinds and node["package_name"] == PROJECT
        ]
        return sorted(found, key=lambda node: node["name"])

    @property
    def models(self) -> list[Node]:
        return self.nodes("model")

    def tests_of(self, node: Node) -> list[Node]:
        """The data tests that stand on one model or seed."""
        return [test for test in self.nodes("test") if test.get("attached_node") == node["unique_id"]]


def layer(node: Node) -> str:
    """The first folder under models/: staging, intermediate or marts."""
    return Path(node["path"]).parts[0]


def mart(node: Node) -> str | None:
    """The folder of a mart: reference, usage, billing or quality."""
    parts = Path(node["path"]).parts
    return parts[1] if parts[0] == "marts" and len(parts) > 2 else None


def parents(node: Node) -> list[tuple[str, str]]:
    """What a node reads, as (resource type, name)."""
    read = (unique_id.split(".") for unique_id in node["depends_on"]["nodes"])
    return sorted({(parts[0], parts[-1]) for parts in read})
