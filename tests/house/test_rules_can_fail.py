"""A rule that cannot fail guards nothing: each one on a small bad house, beside a good one that it lets pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import house_rules
import pytest
import sql_rules
from house_project import PROJECT, House

GOOD_SQL = "with days as (\n    select * from {{ ref('int_days') }}\n)\n\nselect * from days\n"
GOOD_YML = "models:\n  - name: {name}\n    description: One row per day.\n"

POLICY = {
    "rate_plans": "rate_plan_id,rate_plan_name,currency_code,platform_user_limit\ngold,Gold,XAU,44\n",
    "rate_plan_charges": "charge_id,included_quantity,block_size,credits_per_block,price_per_block,minimum_amount,"
    "maximum_amount\ngold_dar,2500,100,1,0.45,,\n",
    "rate_plan_tiers": "charge_id,tier_from,tier_to,unit_price,flat_price\n",
    "rate_plan_channels": "channel\nPigeon\n",
    "channels": "source,channel\nDOVE,Pigeon\n",
    "trigger_rules": "trigger\nBELL\n",
    "currencies": "currency_code\nXAU\n",
    "settings": "value\n\n",
    "support_scopes": "scope\nGARDENING\n",
    "support_openers": "opened_by\nGARDENER\n",
}


class Builder:
    """A small house, put together node by node."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.manifest: dict[str, dict[str, Any]] = {"nodes": {}, "sources": {}, "unit_tests": {}}
        (root / "macros").mkdir()
        (root / "seeds" / "policy").mkdir(parents=True)
        for name, text in POLICY.items():
            (root / "seeds" / "policy" / f"{name}.csv").write_text(text)

    def model(
        self, path: str, sql: str = GOOD_SQL, reads: tuple[str, ...] = (), yml: str = GOOD_YML, **changes: Any
    ) -> None:
        name = Path(path).stem
        file = self.root / "models" / f"{path}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sql)
        file.with_suffix(".yml").write_text(yml.replace("{name}", name))
        is_mart = path.startswith("marts")
        self.manifest["nodes"][f"model.{PROJECT}.{name}"] = {
            "unique_id": f"model.{PROJECT}.{name}",
            "resource_type": "model",
            "package_name": PROJECT,
            "name": name,
            "path": f"{path}.sql",
            "original_file_path": f"models/{path}.sql",
            "patch_path": f"{PROJECT}://models/{path}.yml",
            "raw_code": sql,
            "description": "One row per day.",
            "depends_on": {"nodes": list(reads)},
            "columns": {"day": {"name": "day", "data_type": "date"}} if is_mart else {},
            "config": {"contract": {"enforced": is_mart}},
        } | changes

    def seed(self, name: str, csv_text: str, types: dict[str, str], tests: tuple[str, ...] = ("unique",)) -> None:
        (self.root / "seeds" / "policy" / f"{name}.csv").write_text(csv_text)
        unique_id = f"seed.{PROJECT}.{name}"
        self.manifest["nodes"][unique_id] = {
            "unique_id": unique_id,
            "resource_type": "seed",
            "package_name": PROJECT,
            "name": name,
            "description": "One row per thing.",
            "config": {"column_types": types},
        }
        self.test(unique_id, *tests)

    def test(self, unique_id: str, *names: str) -> None:
        for name in names:
            self.manifest["nodes"][f"test.{name}.{unique_id}"] = {
                "unique_id": f"test.{name}.{unique_id}",
                "resource_type": "test",
                "package_name": PROJECT,
                "name": name,
                "attached_node": unique_id,
                "test_metadata": {"name": name},
            }

    def source(self, name: str) -> None:
        self.manifest["sources"][f"source.{PROJECT}.raw.{name}"] = {"name": name}

    def unit_test(self, name: str, model: str, rows: list[dict[str, Any]], description: str = "SPEC R3.") -> None:
        self.manifest["unit_tests"][name] = {
            "name": name,
            "model": model,
            "expect": {"rows": rows},
            "description": description,
        }

    @property
    def house(self) -> House:
        return House(self.manifest, self.root)


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path)


def ref(name: str) -> str:
    return f"model.{PROJECT}.{name}"


def source(name: str) -> str:
    return f"source.{PROJECT}.raw.{name}"


def test_sources_have_one_reader_each(builder: Builder) -> None:
    builder.source("days")
    builder.model("staging/raw/stg_raw__days", reads=(source("days"),))
    assert house_rules.a_source_is_read_by_one_staging_model(builder.house) == []
    builder.source("weeks")
    builder.model("intermediate/int_days", reads=(source("days"),))
    builder.model("staging/raw/stg_raw__both", reads=(source("days"), ref("int_days")))
    findings = house_rules.a_source_is_read_by_one_staging_model(builder.house)
    assert len(findings) == 4
    assert any(finding.startswith("weeks: read by 0") for finding in findings)


def test_layers_are_read_downwards(builder: Builder) -> None:
    builder.model("staging/raw/stg_raw__days")
    builder.model("intermediate/int_days", reads=(ref("stg_raw__days"),))
    builder.model("marts/usage/fct_days", reads=(ref("int_days"),))
    builder.model("marts/billing/fct_lines", reads=(ref("fct_days"), ref("int_days")))
    assert house_rules.no_layer_reads_upwards(builder.house) == []
    builder.model("marts/usage/fct_weeks", reads=(ref("fct_days"),))
    builder.model("intermediate/int_weeks", reads=(ref("fct_days"),))
    builder.model("marts/billing/fct_hours", reads=(ref("stg_raw__days"),))
    assert len(house_rules.no_layer_reads_upwards(builder.house)) == 3


@pytest.mark.parametrize(
    "path", ["staging/raw/days", "staging/raw/stg_days", "intermediate/fct_days", "marts/usage/days"]
)
def test_names_follow_the_folder(builder: Builder, path: str) -> None:
    builder.model(path)
    assert len(house_rules.a_model_is_named_after_its_folder(builder.house)) == 1


def test_a_pair_stands_side_by_side(builder: Builder) -> None:
    builder.model("intermediate/int_days")
    assert house_rules.a_model_is_a_pair(builder.house) == []
    builder.model("intermediate/int_alone", patch_path=None)
    builder.model("intermediate/int_elsewhere", patch_path=f"{PROJECT}://models/schema.yml")
    builder.model("intermediate/int_two", yml=GOOD_YML + "  - name: int_other\n    description: One row per other.\n")
    assert len(house_rules.a_model_is_a_pair(builder.house)) == 3


def test_descriptions_say_the_grain(builder: Builder) -> None:
    builder.model("intermediate/int_days", description="All days.")
    assert len(house_rules.a_description_says_the_grain(builder.house)) == 1


def test_published_columns_have_doc_blocks(builder: Builder) -> None:
    columns = "    columns:\n      - name: day\n        description: \"{{ doc('day') }}\"\n"
    builder.model("marts/usage/fct_days", yml=GOOD_YML + columns)
    assert house_rules.a_published_column_has_a_doc_block(builder.house) == []
    builder.model(
        "marts/usage/fct_weeks", yml=GOOD_YML + columns + "      - name: week\n        description: A week.\n"
    )
    assert len(house_rules.a_published_column_has_a_doc_block(builder.house)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"contract": {"enforced": False}}},
        {"columns": {}},
        {"columns": {"amount": {"name": "amount", "data_type": "double"}}},
        {"columns": {"amount": {"name": "amount", "data_type": "FLOAT4"}}},
        {"columns": {"amount": {"name": "amount"}}},
    ],
)
def test_marts_have_contracts_without_floats(builder: Builder, changes: dict[str, Any]) -> None:
    builder.model("marts/usage/fct_days")
    assert house_rules.a_mart_has_an_enforced_contract_without_floats(builder.house) == []
    builder.model("marts/usage/fct_bad", **changes)
    assert len(house_rules.a_mart_has_an_enforced_contract_without_floats(builder.house)) == 1


def test_grain_is_proven(builder: Builder) -> None:
    builder.model("intermediate/int_days")
    builder.test(ref("int_days"), "not_null")
    assert len(house_rules.a_model_has_a_uniqueness_test(builder.house)) == 1
    builder.test(ref("int_days"), "unique_combination")
    assert house_rules.a_model_has_a_uniqueness_test(builder.house) == []


def test_policy_files_are_typed_and_tested(builder: Builder) -> None:
    for name, text in POLICY.items():
        builder.seed(name, text, dict.fromkeys(text.split("\n")[0].split(","), "varchar"))
    assert house_rules.a_policy_file_is_typed_and_tested(builder.house) == []
    builder.seed("half_typed", "a,b\n", {"a": "varchar"})
    builder.seed("untested", "a\n", {"a": "varchar"}, tests=())
    builder.seed("dated", "a,effective_from\n", {"a": "varchar", "effective_from": "date"})
    (builder.root / "seeds" / "policy" / "unknown.csv").write_text("a\n")
    findings = house_rules.a_policy_file_is_typed_and_tested(builder.house)
    assert {finding.split(":")[0] for finding in findings} == {"half_typed", "untested", "dated", "unknown"}


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select case when a then 1 end as b", ()),
        ("select row_number() over (order by a) as b", ()),
        ("select a qualify true", ()),
        ("select arg_max(a, b) as c", ()),
        (GOOD_SQL, (f"seed.{PROJECT}.settings",)),
    ],
)
def test_deciding_models_have_unit_tests(builder: Builder, sql: str, reads: tuple[str, ...]) -> None:
    builder.model("intermediate/int_plain", sql="-- in that case, over all\n" + GOOD_SQL)
    assert house_rules.a_model_that_decides_has_a_unit_test(builder.house) == []
    builder.model("intermediate/int_days", sql=sql, reads=reads)
    assert len(house_rules.a_model_that_decides_has_a_unit_test(builder.house)) == 1
    builder.unit_test("a_day_is_a_day", "int_days", [{"b": 1}])
    assert house_rules.a_model_that_decides_has_a_unit_test(builder.house) == []


@pytest.mark.parametrize(
    ("name", "rows", "description"),
    [("a_day_is_a_day", [], "SPEC R3."), ("days", [{"b": 1}], "SPEC R3."), ("a_day_is_a_day", [{"b": 1}], "")],
)
def test_unit_tests_are_claims(builder: Builder, name: str, rows: list[dict[str, Any]], description: str) -> None:
    builder.unit_test(name, "int_days", rows, description)
    assert len(house_rules.a_unit_test_says_which_rule(builder.house)) == 1


SQL_OFFENCES: list[tuple[Callable[[House], list[str]], str]] = [
    *((sql_rules.no_clock_in_sql, sql) for sql in ("now()", "NOW ( )", "current_date", "Current_Timestamp", "today()")),
    *(
        (sql_rules.no_calendar_outside_the_macros, sql)
        for sql in (
            "sent_at::date",
            "sent_at :: timestamp",
            "cast(sent_at as date)",
            "try_cast(substr(trim(a), 1, 7) as date)",
            "cast(\n        sent_at as timestamp\n    )",
            "date_trunc('day', sent_at)",
            "extract(hour from sent_at)",
            "strftime(sent_at, '%Y')",
            "time_bucket(interval 1 day, sent_at)",
            "sent_at at  time  zone 'UTC'",
            "timezone('UTC', sent_at)",
            "year(sent_at)",
            "date_part('day', sent_at)",
        )
    ),
    *(
        (sql_rules.no_float_in_sql, sql)
        for sql in ("avg(amount)", "amount / 3", "amount::double", "cast(amount as float)", "(a)/(b)")
    ),
    *((sql_rules.no_between, sql) for sql in ("period between a and b", "Between a and b")),
    *(
        (sql_rules.no_policy_value_in_sql, sql)
        for sql in (
            "'gold'",
            "'gold_dar'",
            "'Pigeon'",
            "'DOVE'",
            "'BELL'",
            "'XAU'",
            "2500",
            "0.45",
            "44",
            "amount * 0.450",
        )
    ),
]


@pytest.mark.parametrize(("rule", "expression"), SQL_OFFENCES)
def test_sql_offences_are_found(builder: Builder, rule: Callable[[House], list[str]], expression: str) -> None:
    builder.model("intermediate/int_days", sql=f"select\n    a,\n    {expression} as b\nfrom days\n")
    findings = rule(builder.house)
    assert findings, expression
    assert findings[0].startswith("int_days:3:")


@pytest.mark.parametrize(
    "expression",
    [
        "cast(null as date)",
        "date '1970-01-01'",
        "cast(a as decimal(18, 6))",
        "a // 1000000",
        "100 * a",
        "'s/v/' || a",
        "sum(a) over (order by b rows between unbounded preceding and current row)",
        "{{ period_of('activity_date') }}",
        "{{ site_date('sent_at', 'utc_offset_seconds') }}",
        "'pigeon'",
        "known_at",
        "-- now() is 2500 / 0.45\n    a",
        "{# avg(amount)::date #} a",
    ],
)
def test_sql_that_is_fine_passes(builder: Builder, expression: str) -> None:
    builder.model("intermediate/int_days", sql=f"select {expression} as b from days")
    rules = (
        sql_rules.no_clock_in_sql,
        sql_rules.no_calendar_outside_the_macros,
        sql_rules.no_float_in_sql,
        sql_rules.no_between,
        sql_rules.no_policy_value_in_sql,
    )
    assert [finding for rule in rules for finding in rule(builder.house)] == []


def test_macros_keep_no_clock_and_no_price(builder: Builder) -> None:
    (builder.root / "macros" / "money.sql").write_text("{% macro price() %}\n0.45 * now()\n{% endmacro %}")
    assert sql_rules.no_clock_in_sql(builder.house) == ["money:2: now("]
    assert sql_rules.no_policy_value_in_sql(builder.house) == ["money:2: the number 0.45"]


def test_sizes_are_limited(builder: Builder) -> None:
    builder.model("intermediate/int_days", sql="select 1\n" * 100)
    assert house_rules.a_model_is_about_a_hundred_lines(builder.house) == []
    builder.model("intermediate/int_weeks", sql="select 1\n" * 101)
    assert house_rules.a_model_is_about_a_hundred_lines(builder.house) == ["int_weeks: 101 lines"]
    (builder.root / "macros" / "long.sql").write_text("\n" * 401)
    assert house_rules.a_file_is_under_four_hundred_lines(builder.house) == ["macros/long.sql: 401 lines"]
