"""The rules about two engines (docs/spark.md): which model is whose, and that there is one of each.

What belongs here: sides of the manifest, and words that one engine alone knows. What does not: whether both give the
same rows (tests/engines).
"""

from __future__ import annotations

import re
from collections import defaultdict

import sql_rules
from house_project import House, Node, parents

ENGINES = ("duckdb", "spark")


def _engine(node: Node) -> str:
    return str(node["config"].get("meta", {}).get("engine", ""))


def spark_reads_only_what_is_sparks(house: House) -> list[str]:
    """Every model has an engine, and what Spark builds has Spark's ancestors alone: nothing goes back and forth."""
    engines = {node["name"]: _engine(node) for node in house.models}
    findings = [
        f"{name}: meta.engine is {engine or 'not stated'}" for name, engine in engines.items() if engine not in ENGINES
    ]
    for node in house.models:
        if _engine(node) == "spark":
            findings += [
                f"{node['name']}: Spark's, and reads {name}, which is not"
                for kind, name in parents(node)
                if kind == "model" and engines[name] != "spark"
            ]
    return sorted(findings)


def what_is_read_past_dbt_crosses_the_edge(house: House) -> list[str]:
    """Gates and Python read DuckDB's warehouse: a model of Spark's that they name must be handed over to it."""
    of_spark = {node["name"]: node for node in house.models if _engine(node) == "spark"}
    read_by_duckdb = {
        name for node in house.models if _engine(node) != "spark" for kind, name in parents(node) if kind == "model"
    }
    findings = []
    for folder, ending in (("expectations", "*.yml"), ("orchestration", "*.py")):
        for path in sorted((house.root / folder).rglob(ending)):
            named = set(re.findall(r"\b(?:intermediate|staging)\.(\w+)", path.read_text(encoding="utf-8")))
            for name in sorted(named & of_spark.keys() - read_by_duckdb):
                if not of_spark[name]["config"]["meta"].get("is_edge"):
                    findings.append(f"{path.name}: reads {name}, which is no edge (meta.is_edge)")
    return findings


def no_model_has_two_copies(house: House) -> list[str]:
    """One SQL text, one model, one table: no twin for another engine, under whatever name."""
    findings, texts, tables = [], defaultdict(list), defaultdict(list)
    for node in house.models:
        texts[" ".join(sql_rules.without_comments(node["raw_code"]).split())].append(node["name"])
        tables[node.get("alias", node["name"])].append(node["name"])
        if re.search(r"(^|_)(spark|duckdb)(_|$)", node["name"]):
            findings.append(f"{node['name']}: named after an engine")
        if re.search(r"\b(target|adapter|env_var|dbt_version)\b\s*[.(]", node["raw_code"]):
            findings.append(f"{node['name']}: asks which engine runs it")
    for twins in (*texts.values(), *tables.values()):
        findings += [f"{name}: the same as {twins[0]}" for name in twins[1:]]
    return sorted(set(findings))


def an_engines_word_has_its_twin(house: House) -> list[str]:
    """A macro that is dispatched says it for both engines, in one file."""
    findings = []
    for path in sorted((house.root / "macros").rglob("*.sql")):
        text = path.read_text(encoding="utf-8")
        said = {engine: set(re.findall(rf"macro {engine}__(\w+)", text)) for engine in ("default", "spark")}
        dispatched = set(re.findall(r"adapter\.dispatch\(\s*'(\w+)'", text))
        for engine, names in said.items():
            findings += [f"{path.stem}: {name} has no {engine}__{name}" for name in sorted(dispatched - names)]
    return findings


DUCKDB_ALONE = {
    "exclude": r"\*\s*exclude\s*\(",
    "replace": r"\*\s*(exclude\s*\([^)]*\)\s*)?replace\s*\(",
    "by name": r"\bunion\s+(all\s+)?by\s+name\b",
    "a struct in braces": r"(?<!\{)\{\s*'",
    "//": r"//",
    "arg_min, arg_max": r"\barg_(min|max)\s*\(",
    "varchar": r"\bas\s+varchar\s*\)",
    "hugeint": r"\bhugeint\b",
    "timestamptz": r"\btimestamptz\b",
    "epoch": r"\bepoch_\w+\s*\(",
    "a list": r"\b(unnest|generate_series|list|list_distinct|flatten|struct_pack|string_agg)\s*\(",
    "positional join": r"\b(asof|positional)\s+join\b",
}


def spark_knows_the_words(house: House) -> list[str]:
    """What Spark builds is written in what both engines understand; the rest is said in macros/engine."""
    findings = []
    for node in house.models:
        if _engine(node) != "spark":
            continue
        # What stands in Jinja is the macros' business.
        sql = re.sub(r"\{\{.*?\}\}", lambda found: re.sub(r"[^\n]", " ", found.group()), node["raw_code"], flags=re.S)
        for word, pattern in DUCKDB_ALONE.items():
            findings += [f"{node['name']}:{line}: {word}" for line, _ in sql_rules.lines_with(pattern, sql)]
    return findings


# What reads or names a file from SQL, and what brings a distributed table's rows into Spark's driver.
OF_A_MACHINE = r"\bread_(parquet|csv|json|text|blob)\w*\s*\(|'(/|~|\.{1,2}/)[^'\s]+|'file:|\b(parquet|csv|json)\.`"
TO_THE_DRIVER = r"\.(collect|toPandas|toArrow|toLocalIterator|take|tail|head|foreach)\("


def nothing_works_on_one_machine_alone(house: House) -> list[str]:
    """A model names tables and never a file; what runs in a Spark session leaves rows with the executors."""
    findings = []
    for path in sorted([*(house.root / "models").rglob("*.sql"), *(house.root / "macros").rglob("*.sql")]):
        text = path.read_text(encoding="utf-8")
        findings += [f"{path.stem}:{line}: {word}" for line, word in sql_rules.lines_with(OF_A_MACHINE, text)]
    for path in sorted((house.root / "orchestration" / "spark").rglob("*.py")):
        taken = re.findall(TO_THE_DRIVER, path.read_text(encoding="utf-8"))
        findings += [f"{path.name}: brings rows to the driver by {word}" for word in taken]
    return findings


def a_sliced_model_takes_a_row_once(house: House) -> list[str]:
    """What is made slice by slice asks for its slice, or each would bring all rows; only a view may ask for others'."""
    findings = []
    for node in house.models:
        slices = node["config"].get("meta", {}).get("slices") or {}
        asked = set(re.findall(r"in_slice\('(?:\w+\.)?(\w+)'\)", node["raw_code"]))
        if slices and slices["by"] not in asked:
            findings.append(f"{node['name']}: made in slices by {slices['by']}, which its SQL never asks for")
        if asked - {slices.get("by")} and node["config"].get("materialized") != "view":
            findings.append(f"{node['name']}: asks for a slice that it is not made in (meta.slices)")
    return findings
