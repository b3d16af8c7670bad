"""The rules of the house (HOUSE.md, issue 4 item 5) as functions over dbt's manifest and the files.

What belongs here: one function a rule; it returns a finding per offence, `<name>: <what is wrong>`, sorted. What does
not: which offences are allowed (exceptions.py), and what any model means.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import engine_rules
import sql_rules
import yaml
from house_project import House, Node, layer, mart, parents

# --- who reads what ---


def a_source_is_read_by_one_staging_model(house: House) -> list[str]:
    """Staging reads one source each and nothing else; every source has its one reader."""
    findings = []
    readers = Counter[str]()
    for node in house.models:
        read = parents(node)
        sources = [name for kind, name in read if kind == "source"]
        readers.update(sources)
        if layer(node) != "staging" and sources:
            findings.append(f"{node['name']}: reads the source {', '.join(sources)} past staging")
        if layer(node) == "staging" and (len(sources) != 1 or len(read) != 1):
            findings.append(f"{node['name']}: a staging model reads one source, this one {read}")
    for source in house.manifest["sources"].values():
        if (count := readers[source["name"]]) != 1:
            findings.append(f"{source['name']}: read by {count} models")
    return sorted(findings)


def no_layer_reads_upwards(house: House) -> list[str]:
    """No mart feeds intermediate, nor usage and reference marts; a mart that reads staging is an exception."""
    by_name = {node["name"]: node for node in house.models}
    findings = []
    for node in house.models:
        for kind, name in parents(node):
            if kind != "model":
                continue
            read = layer(by_name[name])
            if layer(node) == "intermediate" and read == "marts":
                findings.append(f"{node['name']}: reads the mart {name}")
            if layer(node) == "marts" and read == "marts" and mart(node) not in ("billing", "quality"):
                findings.append(f"{node['name']}: a {mart(node)} mart reads the mart {name}")
            if layer(node) == "marts" and read == "staging":
                findings.append(f"{node['name']}: a mart reads {name}")
    return sorted(findings)


# --- names, pairs, descriptions ---

PREFIXES = {"staging": r"stg_[a-z]+__[a-z_]+", "intermediate": r"int_[a-z_]+", "marts": r"(fct|dim)_[a-z_]+"}


def a_model_is_named_after_its_folder(house: House) -> list[str]:
    """stg_<source>__<things>, int_<things>_<what happened>, fct_<things>, dim_<things>."""
    return [
        f"{node['name']}: not a name for {layer(node)}"
        for node in house.models
        if not re.fullmatch(PREFIXES.get(layer(node), "-"), node["name"])
    ]


def a_model_is_a_pair(house: House) -> list[str]:
    """name.yml stands beside name.sql and holds that model alone."""
    findings = []
    for node in house.models:
        sql = house.root / node["original_file_path"]
        patch = (node["patch_path"] or "").split("://")[-1]
        if patch != str(Path(node["original_file_path"]).with_suffix(".yml")):
            findings.append(f"{node['name']}: described in {patch or 'no file'}, not beside its SQL")
        elif [model["name"] for model in yaml.safe_load(sql.with_suffix(".yml").read_text())["models"]] != [
            node["name"]
        ]:
            findings.append(f"{node['name']}: its yml describes other models too")
    return findings


def a_description_says_the_grain(house: House) -> list[str]:
    """A model's and a policy file's description begins "One row per"."""
    return [
        f"{node['name']}: {node['description'][:40]!r}"
        for node in house.nodes("model", "seed")
        if not node["description"].startswith("One row per")
    ]


def a_published_column_has_a_doc_block(house: House) -> list[str]:
    """Every column of a mart is described by a doc block of the glossary, and has its type."""
    findings = []
    for node in house.models:
        if layer(node) != "marts":
            continue
        described = yaml.safe_load((house.root / node["original_file_path"]).with_suffix(".yml").read_text())
        for column in described["models"][0].get("columns", []):
            text = column.get("description", "")
            if not re.fullmatch(r"\{\{ doc\('[a-z_]+'\) \}\}", text):
                findings.append(f"{node['name']}.{column['name']}: described by {text[:40]!r}")
    return findings


# --- contracts and tests ---


def a_mart_has_an_enforced_contract_without_floats(house: House) -> list[str]:
    """SPEC P7: no float, ever."""
    findings = []
    for node in house.models:
        if layer(node) != "marts":
            continue
        if not node["config"]["contract"]["enforced"] or not node["columns"]:
            findings.append(f"{node['name']}: no enforced contract")
        for column in node["columns"].values():
            data_type = (column.get("data_type") or "").lower()
            if not data_type or re.search(r"double|float|real", data_type):
                findings.append(f"{node['name']}.{column['name']}: type {data_type or 'not stated'}")
    return findings


UNIQUENESS = {"unique", "unique_combination"}
OVERLAP = {"no_overlapping_periods"}


def _test_names(house: House, node: Node) -> set[str]:
    return {(test.get("test_metadata") or {}).get("name", "") for test in house.tests_of(node)}


def a_model_has_a_uniqueness_test(house: House) -> list[str]:
    """A test proves the grain that the description states."""
    return [
        f"{node['name']}: nothing proves its grain"
        for node in house.models
        if not _test_names(house, node) & UNIQUENESS
    ]


def a_policy_file_is_typed_and_tested(house: House) -> list[str]:
    """Every column of every CSV under seeds/policy has a type; a uniqueness or an overlap test guards its rows."""
    findings = []
    seeds = {node["name"]: node for node in house.nodes("seed")}
    for path in sorted((house.root / "seeds" / "policy").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            header = next(csv.reader(stream))
        if path.stem not in seeds:
            findings.append(f"{path.stem}: no seed")
            continue
        node = seeds[path.stem]
        if set(node["config"]["column_types"]) != set(header):
            findings.append(f"{path.stem}: the typed columns are not those of the file")
        if not _test_names(house, node) & (UNIQUENESS | OVERLAP):
            findings.append(f"{path.stem}: no uniqueness or overlap test")
        if "effective_from" in header and not _test_names(house, node) & OVERLAP:
            findings.append(f"{path.stem}: dated rows without an overlap test")
    return findings


def a_model_that_decides_has_a_unit_test(house: House) -> list[str]:
    """Every model with `case`, a window or a policy join has a unit test."""
    tested = {test["model"] for test in house.manifest["unit_tests"].values()}
    findings = []
    for node in house.models:
        sql = sql_rules.without_comments(node["raw_code"])
        why = [
            word
            for word, pattern in (
                ("case", r"\bcase\b"),
                ("window", r"\bover\b|\bqualify\b"),
                ("the row of an extreme", r"\b(arg_(min|max)|(min|max)_by)\b"),
            )
            if re.search(pattern, sql, re.IGNORECASE)
        ] + ["policy"] * any(kind == "seed" for kind, _ in parents(node))
        if why and node["name"] not in tested:
            findings.append(f"{node['name']}: {', '.join(why)} without a unit test")
    return findings


def a_unit_test_says_which_rule(house: House) -> list[str]:
    """A unit test expects rows, is named as a claim (three words at least) and cites where its numbers come from."""
    findings = []
    for test in house.manifest["unit_tests"].values():
        if not test["expect"]["rows"]:
            findings.append(f"{test['name']}: expects nothing")
        if test["name"].count("_") < 2:
            findings.append(f"{test['name']}: is no claim")
        if not test["description"]:
            findings.append(f"{test['name']}: cites no rule")
    return sorted(findings)


# --- sizes ---


def a_model_is_about_a_hundred_lines(house: House) -> list[str]:
    """A model over about 100 lines is two models."""
    return _longer_than(100, ((node["name"], house.root / node["original_file_path"]) for node in house.models))


def a_file_is_under_four_hundred_lines(house: House) -> list[str]:
    """Of what the project is made of; tests tell their stories as long as they need."""
    folders = ("models", "macros", "seeds", "orchestration", "demo", "expectations", "tests/dbt", "tests/house")
    files = (
        (str(path.relative_to(house.root)), path)
        for folder in folders
        for path in sorted((house.root / folder).rglob("*"))
        if path.suffix in (".py", ".sql", ".yml", ".yaml", ".md")
    )
    return _longer_than(400, files)


def _longer_than(limit: int, files: Iterable[tuple[str, Path]]) -> list[str]:
    counted = ((name, len(path.read_text(encoding="utf-8").splitlines())) for name, path in files)
    return [f"{name}: {lines} lines" for name, lines in counted if lines > limit]


RULES: tuple[Callable[[House], list[str]], ...] = (
    a_source_is_read_by_one_staging_model,
    no_layer_reads_upwards,
    a_model_is_named_after_its_folder,
    a_model_is_a_pair,
    a_description_says_the_grain,
    a_published_column_has_a_doc_block,
    a_mart_has_an_enforced_contract_without_floats,
    a_model_has_a_uniqueness_test,
    a_policy_file_is_typed_and_tested,
    a_model_that_decides_has_a_unit_test,
    a_unit_test_says_which_rule,
    sql_rules.no_clock_in_sql,
    sql_rules.no_calendar_outside_the_macros,
    sql_rules.no_float_in_sql,
    sql_rules.no_between,
    sql_rules.no_policy_value_in_sql,
    a_model_is_about_a_hundred_lines,
    a_file_is_under_four_hundred_lines,
    engine_rules.spark_reads_only_what_is_sparks,
    engine_rules.what_is_read_past_dbt_crosses_the_edge,
    engine_rules.no_model_has_two_copies,
    engine_rules.an_engines_word_has_its_twin,
    engine_rules.spark_knows_the_words,
    engine_rules.nothing_works_on_one_machine_alone,
    engine_rules.a_sliced_model_takes_a_row_once,
)
