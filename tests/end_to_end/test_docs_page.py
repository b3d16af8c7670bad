"""`make docs`: one page that needs no network, with every published column, the lineage and the exposures."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from end_to_end.commands import ROOT, Home
from end_to_end.story_demo import Demo

EXPOSURES = {"business_intelligence", "focus_export", "journal", "month_report", "support_service_levels"}


@pytest.fixture(scope="module")
def page(demo_story: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the demo's warehouse, made in a home of its own."""
    project = demo_story.home.lab.project("project_with_readme")
    shutil.copyfile(ROOT / "README.md", project / "README.md")
    home = Home(demo_story.home.lab, tmp_path_factory.mktemp("docs"), project)
    shutil.copyfile(demo_story.home.folder / "warehouse.duckdb", home.folder / "warehouse.duckdb")
    answer = home.must("docs")
    made = home.folder / "docs" / "index.html"
    assert str(made) in answer.output.replace("\n", "")
    assert [path.name for path in made.parent.iterdir()] == ["index.html"]
    return made


def embedded(page: Path, name: str) -> dict[str, Any]:
    """What the page holds of dbt's manifest or catalog, from its first byte."""
    text = page.read_text(encoding="utf-8")
    start = re.search(rf'\b{name}:(?={{"metadata")', text)
    assert start, f"the page holds no {name}"
    return json.JSONDecoder().raw_decode(text, start.end())[0]


def test_the_page_loads_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(?:https?:)?//", text) == []
    assert re.findall(r"url\(\s*[\"']?https?:", text) == []


def test_every_published_column_is_described_and_typed(page: Path, demo_story: Demo) -> None:
    manifest, catalog = embedded(page, "manifest"), embedded(page, "catalog")
    models = {
        f"{node['schema']}.{node['name']}": node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "published" in node["tags"]
    }
    with duckdb.connect(str(demo_story.published), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
    assert {table for table, _ in columns} == set(models)
    for table, column in columns:
        node = models[table]
        assert node["description"] and node["columns"][column]["description"], (table, column)
        assert catalog["nodes"][node["unique_id"]]["columns"][column]["type"], (table, column)


def test_the_lineage_leads_from_what_arrives_to_who_looks_at_it(page: Path) -> None:
    manifest = embedded(page, "manifest")
    exposures = {node["name"]: node["depends_on"]["nodes"] for node in manifest["exposures"].values()}
    assert set(exposures) == EXPOSURES

    def ancestors(names: list[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += manifest["parent_map"].get(name, [])
        return found

    for name in ("business_intelligence", "focus_export", "journal", "month_report"):
        behind = ancestors(exposures[name])
        assert {"source.dar_ledger.raw.messages", "seed.dar_ledger.rate_plan_charges"} <= behind, name
        assert any(parent.startswith("model.dar_ledger.int_metered_usage") for parent in behind), name
