"""Lists that DuckDB writes itself: the same CSV as rows in Python would give."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.csv_lists import cell, read_lists, split_lists
from orchestration.tables import write_table

TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.text("=+-@\t\r\n\",'a1. ", max_size=6),
    st.sampled_from(["-12.5", "+3", "=1+1", "1,5", "-1,5", "1e5", "'", '"', '""', "\r\n", "-", "", " "]),
)
QUERY = "select account_id, name, other, amount, currency_code, day from rows_given order by account_id, place"


@given(rows=st.lists(st.tuples(st.sampled_from("ab"), TEXTS, TEXTS), max_size=8))
def test_a_list_is_what_rows_in_python_would_be(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:
    folder = tmp_path_factory.mktemp("lists")
    with duckdb.connect() as connection:
        connection.execute("create table rows_given (place integer, account_id varchar, name varchar, other varchar)")
        connection.execute("alter table rows_given add column amount decimal(18, 4) default -7.5")
        connection.execute("alter table rows_given add column currency_code varchar default 'USD'")
        connection.execute("alter table rows_given add column day date default date '2026-04-01'")
        for place, row in enumerate(rows):
            columns = "(place, account_id, name, other)"
            connection.execute(f"insert into rows_given {columns} values (?, ?, ?, ?)", [place, *row])
        files = {account: folder / f"{account}.csv" for account in "abc"}
        counts = split_lists(connection, QUERY, "account_id", files)
        for account, path in files.items():
            one = f"select * exclude (account_id) from ({QUERY}) where account_id = '{account}'"
            other = folder / f"{account}.python.csv"
            if "\r" in "".join(text or "" for row in rows for text in row[1:]):
                continue  # Python's own reader and writer differ on bare carriage returns between releases
            write_table(connection, one, {}, other)
            assert path.read_bytes() == other.read_bytes()
            assert counts[account] == sum(1 for row in rows if row[0] == account)
        found = read_lists(connection, files, ["name", "other", "amount", "currency_code", "day"], sums=True)
        assert {account: sum(row[1] for row in found[account]) for account in files} == counts


def test_a_long_list_keeps_its_order(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        query = """
            select (hash(number) % 3)::varchar as account, number % 30 as day, hash(number * 7)::varchar as id
            from range(1000000) as numbers(number)
            order by all"""
        files = {account: tmp_path / f"{account}.csv" for account in "012"}
        counts = split_lists(connection, query, "account", files)
    for account, path in files.items():
        read = [(int(day), name) for day, name in (line.split(",") for line in path.read_text().split()[1:])]
        assert read == sorted(read)
        assert counts[account] == len(read) > 300_000


def test_rows_that_are_not_by_key_are_refused(tmp_path: Path) -> None:
    with duckdb.connect() as connection, pytest.raises(ValueError, match="order the query by account first"):
        query = "select * from (values ('a', 1), ('b', 2), ('a', 3)) as rows_given(account, place) order by place"
        split_lists(connection, query, "account", {"a": tmp_path / "a.csv"})


def test_a_type_without_a_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="DOUBLE"):
        cell("share", "DOUBLE")
