"""The suites of expectations/: read, completed for every published table, and checked for holes.

A suite file is in Great Expectations' own words (`expectations`: type, kwargs, severity, notes), plus the SQL that
computes the one row it judges (`controls`): each control is the number of rows of a query that lists what is wrong,
or the value of a query. What does not belong here: running them (gates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestration.settings import LedgerError, Settings

DOORS = ("loaded", "outgoing")
CRITICAL, WARNING = "critical", "warning"
SEVERITIES = (CRITICAL, WARNING, "info")


@dataclass(frozen=True)
class Control:
    """One figure of the frame. `rows` lists what is wrong; without `value` the figure is how many rows that gives."""

    name: str
    table: str
    rows: str
    value: str | None = None
    is_repeated: bool = False  # one of many, each for another table

    @property
    def column(self) -> str:
        """The frame's column: one name for every table that the control is repeated for."""
        return f"{self.name} ({self.table})" if self.is_repeated else self.name


@dataclass(frozen=True)
class Expectation:
    """What Great Expectations is given, and the control whose figure it judges."""

    control: Control
    type: str
    kwargs: Mapping[str, Any]
    severity: str
    notes: str

    def configuration(self) -> dict[str, Any]:
        """The dictionary that Great Expectations makes an expectation of."""
        return {
            "type": self.type,
            "kwargs": {**self.kwargs, "column": self.control.column},
            "severity": self.severity,
            "notes": self.notes,
            "meta": {"control": self.control.column, "table": self.control.table},
        }


@dataclass(frozen=True)
class Suite:
    """One door's expectations with their controls, and the SQL of the parameters they use."""

    name: str
    expectations: tuple[Expectation, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def controls(self) -> list[Control]:
        """Every control once, in the order of the file."""
        return list({expectation.control.column: expectation.control for expectation in self.expectations}.values())


@dataclass(frozen=True)
class PublishedTable:
    """A model that is published, as dbt's manifest describes it."""

    schema: str
    name: str
    key: tuple[str, ...]
    description: str
    columns: Mapping[str, str]  # name -> description

    @property
    def table(self) -> str:
        """schema.name"""
        return f"{self.schema}.{self.name}"


def published_tables(manifest: Mapping[str, Any]) -> list[PublishedTable]:
    """The models tagged `published`, by schema and name; the key is their `meta.key`."""
    tables = []
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and "published" in node["tags"]:
            meta = node["config"].get("meta") or node.get("meta") or {}
            columns = {column["name"]: column.get("description") or "" for column in node["columns"].values()}
            tables.append(
                PublishedTable(
                    node["schema"], node["name"], tuple(meta.get("key", ())), node.get("description") or "", columns
                )
            )
    return sorted(tables, key=lambda table: (table.schema, table.name))


def read_suite(settings: Settings, door: str, tables: list[PublishedTable]) -> Suite:
    """The suite of a door. Raises LedgerError when it is missing, empty, or names something it does not define."""
    path = settings.project_root / "expectations" / f"{door}.yml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        suite = _suite(door, path, document, tables)
    except OSError as error:
        raise LedgerError(
            f"The gate `{door}` has no suite: {path} cannot be read. Restore it from the repository."
        ) from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(f"The suite {path} is not usable ({error!r}): correct it.") from error
    if not suite.expectations:
        raise LedgerError(f"The suite {path} is empty: a gate without expectations has failed.")
    return suite


def _suite(door: str, path: Path, document: Mapping[str, Any], tables: list[PublishedTable]) -> Suite:
    controls: dict[str, list[Control]] = {}
    for entry in document["controls"]:
        if entry["name"] in controls:
            raise LedgerError(f"{path} defines the control {entry['name']} twice.")
        controls[entry["name"]] = _controls(entry, tables)
    expectations = []
    judged: set[str] = set()
    for entry in document["expectations"]:
        kwargs = dict(entry["kwargs"])
        name = kwargs.pop("column")
        if name in judged:
            raise LedgerError(f"{path} expects something of {name} twice: give it a second control.")
        judged.add(name)
        if name not in controls:
            raise LedgerError(f"{path} expects something of {name!r}, which is not among its controls.")
        if entry["severity"] not in SEVERITIES:
            raise LedgerError(
                f"{path}: the severity of {name} is {entry['severity']!r}, not one of {', '.join(SEVERITIES)}."
            )
        if not entry.get("notes"):
            raise LedgerError(f"{path}: the expectation of {name} has no notes; say what it protects.")
        expectations += [
            Expectation(control, entry["type"], kwargs, entry["severity"], " ".join(entry["notes"].split()))
            for control in controls[name]
        ]
    unused = controls.keys() - judged
    if unused:
        raise LedgerError(f"{path} computes {', '.join(sorted(unused))} without an expectation.")
    return Suite(document.get("name", door), tuple(expectations), document.get("parameters") or {})


def _controls(entry: Mapping[str, Any], tables: list[PublishedTable]) -> list[Control]:
    """A control, or one for every published table but those it excepts."""
    if entry.get("each") != "published":
        return [Control(entry["name"], entry["table"], entry["rows"].strip(), entry.get("value"))]
    excepted = set(entry.get("except", ()))
    return [
        Control(entry["name"], table.table, _fill(entry["rows"], table).strip(), is_repeated=True)
        for table in tables
        if table.table not in excepted
    ]


def _fill(sql: str, table: PublishedTable) -> str:
    """A template's {table}, {key} and {key_is_null}. A table that states no key fails every control of its key."""
    key = ", ".join(f'"{column}"' for column in table.key) or "error('no meta.key')"
    is_null = " or ".join(f'"{column}" is null' for column in table.key) or "error('no meta.key')"
    return (
        sql.replace("{table}", f'"{table.schema}"."{table.name}"')
        .replace("{key}", key)
        .replace("{key_is_null}", is_null)
    )
