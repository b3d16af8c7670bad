"""The rules about two engines, each on a small bad house (see test_rules_can_fail)."""

from __future__ import annotations

import engine_rules
import pytest
from house_project import PROJECT
from test_rules_can_fail import Builder, builder

__all__ = ["builder"]


def _sides(builder: Builder, **engines: str) -> None:
    for name, engine in engines.items():
        builder.model(f"intermediate/{name}", f"select 1 as {name}", config={"meta": {"engine": engine}})


def test_spark_has_its_own_ancestors(builder: Builder) -> None:
    _sides(builder, int_events="spark", int_lines="duckdb", int_strays="cobol")
    builder.model("intermediate/int_days", reads=(f"model.{PROJECT}.int_events",), config={"meta": {"engine": "spark"}})
    builder.model("marts/fct_days", reads=(f"model.{PROJECT}.int_days",), config={"meta": {"engine": "duckdb"}})
    found = ["int_strays: meta.engine is cobol"]
    assert engine_rules.spark_reads_only_what_is_sparks(builder.house) == found
    builder.model("marts/fct_bad", reads=(f"model.{PROJECT}.int_lines",), config={"meta": {"engine": "spark"}})
    found.insert(0, "fct_bad: Spark's, and reads int_lines, which is not")
    assert engine_rules.spark_reads_only_what_is_sparks(builder.house) == found


def test_what_gates_read_is_handed_over(builder: Builder) -> None:
    _sides(builder, int_events="spark", int_days="spark", int_lines="duckdb")
    builder.model("marts/fct_lines", reads=(f"model.{PROJECT}.int_days",), config={"meta": {"engine": "duckdb"}})
    (builder.root / "expectations").mkdir()
    file = builder.root / "expectations" / "outgoing.yml"
    file.write_text("from intermediate.int_days join intermediate.int_lines")
    assert engine_rules.what_is_read_past_dbt_crosses_the_edge(builder.house) == []
    file.write_text("from intermediate.int_events")
    found = engine_rules.what_is_read_past_dbt_crosses_the_edge(builder.house)
    assert found == ["outgoing.yml: reads int_events, which is no edge (meta.is_edge)"]
    builder.model("intermediate/int_events", config={"meta": {"engine": "spark", "is_edge": True}})
    assert engine_rules.what_is_read_past_dbt_crosses_the_edge(builder.house) == []


def test_a_twin_is_found_under_any_name(builder: Builder) -> None:
    builder.model("intermediate/int_days", "select 1 as one -- why\n")
    builder.model("intermediate/int_other", "select 2 as two")
    assert engine_rules.no_model_has_two_copies(builder.house) == []
    builder.model("intermediate/int_same", "select 1\n    as one")
    builder.model("intermediate/int_days_spark", "select 3 as three")
    builder.model("intermediate/int_asks", "select {{ 4 if target.type == 'spark' else 5 }} as four")
    builder.model("intermediate/int_aliased", "select 6 as six", alias="int_other")
    assert engine_rules.no_model_has_two_copies(builder.house) == [
        "int_asks: asks which engine runs it",
        "int_days_spark: named after an engine",
        "int_other: the same as int_aliased",
        "int_same: the same as int_days",
    ]


def test_a_macro_speaks_for_both_engines(builder: Builder) -> None:
    text = "{% macro a(x) %}{{ adapter.dispatch('a', 'p')(x) }}{% endmacro %}{% macro default__a(x) %}1{% endmacro %}"
    file = builder.root / "macros" / "engine" / "words.sql"
    file.parent.mkdir()
    file.write_text(text)
    assert engine_rules.an_engines_word_has_its_twin(builder.house) == ["words: a has no spark__a"]
    file.write_text(text + "{% macro spark__a(x) %}2{% endmacro %}")
    assert engine_rules.an_engines_word_has_its_twin(builder.house) == []


@pytest.mark.parametrize(
    "expression",
    ["d.* exclude (a)", "* replace (1 as a)", "a // 2", "{ 'a': 1 }", "arg_max(a, b)", "cast(a as varchar)",
     "cast(a as hugeint)", "timestamptz '2000-01-01'", "epoch_us(a)", "unnest(a)", "list(a)"],
)  # fmt: skip
def test_sparks_models_say_what_spark_knows(builder: Builder, expression: str) -> None:
    sql = "select {{ record_of({'a': 'arg_max(1)'}) }}, min_by(a, b), cast(a as string), 'a//b' || url from days"
    builder.model("intermediate/int_good", sql.replace("'a//b'", "'a'"), config={"meta": {"engine": "spark"}})
    builder.model("intermediate/int_free", f"select {expression}", config={"meta": {"engine": "duckdb"}})
    assert engine_rules.spark_knows_the_words(builder.house) == []
    builder.model("intermediate/int_bad", f"select {expression} from days", config={"meta": {"engine": "spark"}})
    assert len(engine_rules.spark_knows_the_words(builder.house)) == 1


def test_nothing_works_on_one_machine_alone(builder: Builder) -> None:
    code = builder.root / "orchestration" / "spark"
    code.mkdir(parents=True)
    (code / "loader.py").write_text("frame.write.parquet(place)\nframe.first()\n")
    (builder.root / "macros" / "engine.sql").write_text("-- read_csv('/a')\nlocation '\" ~ location ~ '/' ~ name ~ \"'")
    assert engine_rules.nothing_works_on_one_machine_alone(builder.house) == []
    (code / "loader.py").write_text("x = 1\nrows = frame.collect()\nnames = files.toLocalIterator()\n")
    (builder.root / "macros" / "engine.sql").write_text("select 1 from read_csv('x')")
    (builder.root / "macros" / "other.sql").write_text("insert overwrite directory '/data/x'\nfrom parquet.`x`")
    assert engine_rules.nothing_works_on_one_machine_alone(builder.house) == [
        "engine:1: read_csv(",
        "other:1: '/data/x",
        "other:2: parquet.`",
        "loader.py: brings rows to the driver by collect",
        "loader.py: brings rows to the driver by toLocalIterator",
    ]


def test_slices_that_nobody_asks_for_are_found(builder: Builder) -> None:
    slices = {"meta": {"slices": {"of": "int_days", "by": "day"}}}
    builder.model("intermediate/int_good", "select 1 where {{ in_slice('days.day') }}", config=slices)
    builder.model("intermediate/int_view", "select 1 where {{ in_slice('day') }}", config={"materialized": "view"})
    assert engine_rules.a_sliced_model_takes_a_row_once(builder.house) == []
    builder.model("intermediate/int_all", "select 1", config=slices)
    builder.model("intermediate/int_stray", "select 1 where {{ in_slice('day') }}")
    assert engine_rules.a_sliced_model_takes_a_row_once(builder.house) == [
        "int_all: made in slices by day, which its SQL never asks for",
        "int_stray: asks for a slice that it is not made in (meta.slices)",
    ]
