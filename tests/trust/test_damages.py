"""Bad input: whatever is damaged, the run ends, the good is billed exactly and the bad is listed with what to do."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from models.runner import Scratch
from oracle.build import one_site

from trust.damages import DAMAGES, MARKER, Damage, call, lines, talk
from trust.small import Small

BY_NAME = {damage.name: damage for damage in DAMAGES}
ACTIONS = re.compile(
    r"\b(deliver|save|rename|remove|put|check|raise|split|add|write|state|correct|end|holds|means)\b", re.IGNORECASE
)


@dataclass
class World:
    """What came out of a landing folder with every kind of damage, or of what of it counts."""

    facts: dict[str, list[tuple]]
    rejected: dict[str, list[tuple]]
    dars: dict[str, list[tuple]]
    conflicts: list[tuple]
    imbalances: list[tuple]
    differences: list[str]
    published: set[str]


def _world(scratch: Scratch, home: Path, is_damaged: bool) -> World:
    small = Small.at(scratch, home)
    one_site(small.settings.landing)
    files = {"messaging_interactions/good.jsonl": lines(*(talk("good", n) for n in range(9))),
             "function_invocations/good.jsonl": lines(*(call("good", n) for n in range(9)))}  # fmt: skip
    for damage in DAMAGES:
        files |= damage.files if is_damaged else damage.counts
    for name, data in files.items():
        path = small.settings.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    small.run()
    tables = [model for model in scratch.project.models.values() if model.schema in ("usage", "billing", "support")]
    facts = {}
    for table in tables:
        # Only damaged copies contradict each other, which holds the contract: what it is billed is the same.
        without = {"fct_invoice_lines": "status", "fct_invoices": "status", "fct_periods": "state"}.get(table.name)
        columns = f"* exclude ({without})" if without else "*"
        facts[table.name] = small.rows(f"select {columns} from {table.relation} order by all")
    texts = {
        str(value)
        for table in small.tables()
        for row in small.rows(f"from {table}")
        for value in row
        if isinstance(value, str) and MARKER in value
    }
    return World(
        facts,
        {damage.name: small.rejected(damage.pattern) for damage in DAMAGES},
        {damage.name: small.rows(
            "from usage.fct_daily_active_relationships where starts_with(relationship_id, ?) order by all",
            f"{damage.name}-",
        ) for damage in DAMAGES},
        small.rows("select key, copies, winner_file from quality.fct_conflicts order by all"),
        small.imbalances(),
        small.oracle_differences() if is_damaged else [],
        texts,
    )  # fmt: skip


@pytest.fixture(scope="module")
def damaged(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> World:
    return _world(scratch, tmp_path_factory.mktemp("damaged"), True)


@pytest.fixture(scope="module")
def clean(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> World:
    return _world(scratch, tmp_path_factory.mktemp("clean"), False)


def test_there_are_many_kinds() -> None:
    assert len(BY_NAME) == len(DAMAGES) > 150
    assert len({reason for damage in DAMAGES for _, _, reason in damage.rejects}) > 30


@pytest.mark.parametrize("name", BY_NAME)
def test_the_bad_is_listed_and_the_good_around_it_counts(name: str, damaged: World, clean: World) -> None:
    damage: Damage = BY_NAME[name]
    listed = Counter((line, item, reason) for line, item, reason, _ in damaged.rejected[name])
    assert listed == Counter(damage.rejects)
    assert clean.rejected[name] == []
    assert damaged.dars[name] == clean.dars[name]
    for *_, detail in damaged.rejected[name]:
        assert detail is not None and detail.endswith((".", ").")) and len(detail) > 30
        assert ACTIONS.search(detail), f"nobody can act on: {detail}"
        assert name not in detail and MARKER not in detail


@pytest.mark.parametrize("table", ["fct_daily_active_relationships", "fct_channel_credits", "fct_listening_credits",
    "fct_cobrowse_sessions", "fct_function_invocations", "fct_platform_users", "fct_daily_usage",
    "fct_invoice_lines", "fct_invoice_line_tiers", "fct_invoice_line_sites", "fct_invoices", "fct_usage_to_date",
    "fct_unrated_usage", "fct_periods", "fct_support_cases", "fct_support_promises", "fct_support_case_events",
    "fct_service_levels"])  # fmt: skip
def test_every_fact_is_that_of_the_good_records_alone(table: str, damaged: World, clean: World) -> None:
    assert damaged.facts[table] == clean.facts[table]


def test_all_of_it_is_the_oracles(damaged: World) -> None:
    assert not damaged.differences, "\n".join(damaged.differences)


def test_every_record_is_accounted_for(damaged: World, clean: World) -> None:
    assert damaged.imbalances == []
    assert clean.imbalances == []


def test_only_contradicting_copies_are_conflicts(damaged: World, clean: World) -> None:
    assert clean.conflicts == []
    assert len(damaged.conflicts) == sum(damage.is_conflict for damage in DAMAGES)


def test_no_content_of_the_damaged_is_stored(damaged: World) -> None:
    assert damaged.published == set()
