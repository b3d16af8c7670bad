"""A ledger in one process: the real loader, then the real SQL as dbt compiled it, on a database in memory.

What belongs here: load, build, and what came out. What does not: gates, publication and seals (tests/end_to_end).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import oracle
from models.runner import DATABASE, Scratch
from oracle.compare import differences

from orchestration import landing, reference, sealing, zones
from orchestration.settings import PROJECT_ROOT, Settings, connect
from orchestration.suites import read_suite

AS_OF = datetime(2026, 4, 20, 12, tzinfo=UTC)
PERIOD = date(2026, 3, 1)
FACTS = ("usage", "billing", "support")


@dataclass
class Small:
    """A home and the scratch warehouse that its files are loaded into."""

    scratch: Scratch
    settings: Settings
    period: date = PERIOD

    @classmethod
    def at(cls, scratch: Scratch, home: Path, policy: Path | None = None, key: bytes | None = None) -> Small:
        """An empty ledger of this home; `policy` is a folder of policy files (default: ours)."""
        root = PROJECT_ROOT if policy is None else policy.parents[1]
        settings = Settings(home=home, as_of=AS_OF, project_root=root, pseudonym_key=key)
        settings.temporary.mkdir(parents=True, exist_ok=True)
        settings.landing.mkdir(parents=True, exist_ok=True)
        scratch.empty()
        scratch.fill("raw.run_settings", [
            {"as_of": AS_OF, "period": PERIOD, "tzdata_version": zones.tzdata_version()}
        ])  # fmt: skip
        return cls(scratch, settings)

    def load(self) -> list[str]:
        """Bring the raw tables in line with landing; what the loader said."""
        said: list[str] = []
        connection = self.scratch.connection
        landing.load_landing(connection, self.settings, said.append)
        reference.load_reference(connection, self.settings, said.append)
        sealing.load_seals(connection, self.settings)
        zones.load_zone_offsets(connection)
        return said

    def build(self) -> None:
        """All models over what is loaded."""
        self.scratch.fill_policy(self.settings.policy)
        self.scratch.run(*self.scratch.project.models)

    def run(self) -> Small:
        """Load and build."""
        self.load()
        self.build()
        return self

    def rows(self, sql: str, *parameters: Any) -> list[tuple]:
        """Rows of a query."""
        return self.scratch.connection.execute(sql, list(parameters)).fetchall()

    def tables(self) -> list[str]:
        """Every table there is, raw ones and all models."""
        return [f'"{schema}"."{name}"' for schema, name in self.rows(
            "select schema_name, table_name from duckdb_tables() where database_name = ? order by all", DATABASE
        )]  # fmt: skip

    def contents(self, schemas: tuple[str, ...] = FACTS) -> dict[str, str]:
        """A hash over the ordered rows of each published table of these schemas."""
        models = [model for model in self.scratch.project.models.values() if model.schema in schemas]
        return {
            model.name: hashlib.sha256(repr(self.rows(f"from {model.relation} order by all")).encode()).hexdigest()
            for model in sorted(models, key=lambda model: model.name)
        }

    def rejected(self, file: str = "%") -> list[tuple[int | None, int | None, str, str | None]]:
        """(line, item, reason, detail) of the rejected records of a file, in order."""
        return self.rows(
            "select line, item, reason, detail from quality.fct_rejected_records where file like ? order by all", file
        )

    def figure(self, door: str, name: str) -> Any:
        """The figure of a gate's control, as the gate computes it."""
        suite = read_suite(self.settings, door, [])
        (control,) = [control for control in suite.controls if control.name == name]
        sql = (control.value or f"select count(*) from ({control.rows})").replace("{policy}", str(self.settings.policy))
        return self.rows(sql)[0][0]

    def imbalances(self) -> list[tuple]:
        """Rows of the reconciliation that are not zero."""
        return self.rows("select * from quality.fct_reconciliation where difference <> 0")

    def oracle_differences(self) -> list[str]:
        """What differs from the oracle's reading of the same files."""
        settings = self.settings
        key = settings.pseudonym_key
        result = oracle.compute(settings.landing, settings.policy, settings.as_of, self.period, key)
        return differences(self.scratch.connection, result)


def load_only(home: Path, **more: Any) -> Any:
    """A connection to a warehouse in a file with landing and reference loaded, as a run's first step leaves it."""
    settings = Settings(home=home, as_of=AS_OF, **more)
    connection = connect(settings)
    landing.load_landing(connection, settings, lambda _: None)
    reference.load_reference(connection, settings, lambda _: None)
    return connection
