"""The reference CSV files: which is in force, which rows pass, and what is said about the others."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.reference import load_reference
from orchestration.settings import LedgerError, Settings, connect

POLICY = {
    "currencies": "currency_code,minor_units\nUSD,2\nJPY,0\nKWD,3\n",
    "rate_plans": "rate_plan_id,rate_plan_name,currency_code\nstarter,Starter,USD\nyen,Yen,JPY\n",
    "withdrawals": "path,reason,approved_by\n",
}
ACCOUNTS = "account_id,account_name,currency_code\nA1,Acme,USD\nA2,Nippon,JPY\n"
SITES = "site_id,account_id,time_zone,listening_enabled,effective_at\ns1,A1,Europe/London,true,2016-01-01T00:00:00Z\n"
CONTRACTS = (
    "contract_id,account_id,rate_plan_id,starts_on,ends_on,functions_over_cap\nK1,A1,starter,2016-01-01,,charge\n"
)
CREDITS = "credit_id,contract_id,usage_period,amount,currency_code,reason,approved_by\n"


class House:
    """A home folder with policy and reference files, and its warehouse."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "landing" / "reference"
        self.folder.mkdir(parents=True)
        self.policy = home / "project" / "seeds" / "policy"
        self.policy.mkdir(parents=True)
        self.settings = Settings(home, datetime(2026, 11, 20, tzinfo=UTC), project_root=home / "project")
        for name, text in POLICY.items():
            (self.policy / f"{name}.csv").write_text(text, encoding="utf-8")
        self.put(accounts=ACCOUNTS, sites=SITES, contracts=CONTRACTS)
        self.connection = connect(self.settings)
        self.lines: list[str] = []

    def put(self, **files: str | bytes) -> None:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / f"{name}.csv").write_bytes(data)

    def load(self) -> None:
        self.lines.clear()
        load_reference(self.connection, self.settings, self.lines.append)

    def rows(self, sql: str) -> list[tuple]:
        return self.connection.execute(sql).fetchall()

    def rejected(self) -> list[tuple[str, int | None, str]]:
        return self.rows(
            "select files.path, rejected.record_index, rejected.reason from raw.rejected_records as rejected "
            "join raw.landing_files as files using (content_id) order by all"
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_rows_of_the_files_in_force_are_loaded(house: House) -> None:
    house.put(credits=CREDITS + "C1,K1,2016-02,10.50,USD,goodwill,me\nC2,K1,2016-03-01,1,USD,,me\n")
    house.load()
    assert house.rejected() == []
    assert house.rows("select account_id, account_name, currency_code from raw.accounts order by 1") == [
        ("A1", "Acme", "USD"), ("A2", "Nippon", "JPY"),
    ]  # fmt: skip
    assert house.rows("select time_zone, listening_enabled, effective_at from raw.sites")[0][:2] == (
        "Europe/London", True,
    )  # fmt: skip
    assert house.rows("select starts_on, ends_on, functions_over_cap, payment_terms_days from raw.contracts") == [
        (date(2016, 1, 1), None, "charge", None)
    ]
    assert house.rows("select usage_period, amount from raw.credits order by 1") == [
        (date(2016, 2, 1), Decimal("10.5000")), (date(2016, 3, 1), Decimal("1.0000")),
    ]  # fmt: skip
    assert house.rows("select distinct feed, format from raw.landing_contents") == [("reference", "csv")]
    assert house.rows("select sum(records), sum(rejects) from raw.landing_contents") == [(6, 0)]


def test_the_lexicographically_last_file_of_each_kind_is_in_force(house: House) -> None:
    house.put(accounts_2016="account_id,currency_code\nA1,USD\n", accounts_2015="account_id,currency_code\nold,USD\n")
    (house.folder / "sites_9.csv.gz").write_bytes(gzip.compress(SITES.replace("s1", "s9").encode()))
    house.load()
    assert house.rows("select account_id from raw.accounts") == [("A1",)]
    assert house.rows("select site_id from raw.sites") == [("s9",)]
    records = dict(
        house.rows("select path, records from raw.landing_files join raw.landing_contents using (content_id)")
    )
    assert records["reference/accounts.csv"] == records["reference/accounts_2015.csv"] == 0
    assert records["reference/accounts_2016.csv"] == 1
    (house.policy / "withdrawals.csv").write_text(
        POLICY["withdrawals"] + "reference/accounts_2016.csv,sent by mistake,me\n", encoding="utf-8"
    )
    house.load()
    assert house.rows("select account_id from raw.accounts") == [("old",)]


def test_a_second_load_changes_nothing_and_a_correction_replaces_the_row(house: House) -> None:
    house.put(sites=SITES.replace("Europe/London", "BST"))
    house.load()
    house.load()
    assert house.rejected() == [("reference/sites.csv", 2, "unknown_time_zone")]
    assert any("sites.csv, line 2: unknown_time_zone. time_zone" in line for line in house.lines)
    house.put(sites=SITES)
    house.load()
    assert house.rejected() == []
    assert house.rows("select site_id from raw.sites") == [("s1",)]


def test_header_names_decide_and_quotes_line_ends_and_marks_do_not(house: House) -> None:
    house.put(
        accounts=(
            "\ufeffcurrency_code,extra,account_name,account_id\r\n"
            'USD,x,"Acme,\r\nInc ""A""",A1\r\n\r\nUSD,,B,A2\r\n,,C,A3\r\n'
        )
    )
    house.load()
    assert house.rows("select account_id, account_name, record_index from raw.accounts order by 1") == [
        ("A1", 'Acme,\r\nInc "A"', 2), ("A2", "B", 5),
    ]  # fmt: skip
    assert house.rejected() == [("reference/accounts.csv", 6, "missing_value")]


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("accounts", ",x,USD", "missing_value"),
        ("accounts", "A9,x,", "missing_value"),
        ("accounts", "A1,x,USD", "duplicate_key"),
        ("accounts", "A9,x,usd", "unknown_currency"),
        ("accounts", "A9,x", "wrong_number_of_values"),
        ("accounts", "A9,x,USD,more", "wrong_number_of_values"),
        ("accounts", 'A9,"x"y,USD', "broken_csv"),
        ("accounts", 'A9,"never closed,USD', "broken_csv"),
        ("accounts", "A\0,x,USD", "unusable_value"),
        ("sites", "s1,A1,UTC,false,2016-01-01 01:00:00+01:00", "duplicate_key"),
        ("sites", "s2,A9,UTC,false,2016-01-01", "unknown_account"),
        ("sites", "s2,A1,IST,false,2016-01-01", "unknown_time_zone"),
        ("sites", "s2,A1,Etc/GMT+5,false,2016-01-01", "unknown_time_zone"),
        ("sites", "s2,A1,UTC,maybe,2016-01-01", "invalid_boolean"),
        ("sites", "s2,A1,UTC,true,01/02/2016", "invalid_instant"),
        ("sites", "s2,A1,UTC,true,2016-13-01T00:00:00Z", "invalid_instant"),
        ("contracts", "K1,A1,starter,2010-01-01,2011-01-01,", "duplicate_key"),
        ("contracts", "K2,A9,starter,2010-01-01,2011-01-01,", "unknown_account"),
        ("contracts", "K2,A1,gold,2010-01-01,2011-01-01,", "unknown_rate_plan"),
        ("contracts", "K2,A2,starter,2010-01-01,2011-01-01,", "other_currency"),
        ("contracts", "K2,A1,starter,2010-02-30,2011-01-01,", "invalid_date"),
        ("contracts", "K2,A1,starter,2010-02-03,20110101,", "invalid_date"),
        ("contracts", "K2,A1,starter,2010-01-01,2010-01-01,", "ends_before_it_starts"),
        ("contracts", "K2,A1,starter,2010-01-01,2011-01-01,never", "invalid_functions_over_cap"),
        ("contracts", "K2,A1,starter,2010-01-01,2016-01-02,", "contracts_overlap"),
        ("contracts", "K2,A1,starter,2030-01-01,,", "contracts_overlap"),
        ("credits", "C1,K9,2016-02,1,USD,,me", "unknown_contract"),
        ("credits", "C1,K1,2016-02,0,USD,,me", "invalid_amount"),
        ("credits", "C1,K1,2016-02,-1,USD,,me", "invalid_amount"),
        ("credits", "C1,K1,2016-02,1.001,USD,,me", "invalid_amount"),
        ("credits", "C1,K1,2016-02,1e3,USD,,me", "invalid_amount"),
        ("credits", "C1,K1,2016-02,1000000000000.00,USD,,me", "invalid_amount"),
        ("credits", "C1,K1,9999-12,1,USD,,me", "invalid_period"),
        ("credits", "C1,K1,2016-02,1,JPY,,me", "other_currency"),
        ("credits", "C1,K1,2016-02,1,USD,,", "missing_value"),
        ("credits", "C1,K1,2016-02-02,1,USD,,me", "invalid_period"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_the_others_are_kept(
    house: House, kind: str, row: str, reason: str
) -> None:
    text = {"accounts": ACCOUNTS, "sites": SITES, "contracts": CONTRACTS, "credits": CREDITS}[kind]
    house.put(**{kind: f"{text}{row}\n"})
    house.load()
    assert house.rejected() == [(f"reference/{kind}.csv", text.count("\n") + 1, reason)]
    assert house.rows("select count(*) from raw.sites") == [(1,)]
    assert house.rows("select count(*) from raw.contracts") == [(1,)]
    detail = house.rows("select detail, record_kind, length(record_hash) from raw.rejected_records")[0]
    assert len(detail[0]) > 20 and detail[1:] == ("row", 64)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("accounts", "account_id,account_name,currency_code"),
        ("sites", "site_id,account_id,time_zone,listening_enabled,effective_at"),
        ("contracts", "contract_id,account_id,rate_plan_id,starts_on,ends_on,functions_over_cap,payment_terms_days"),
        ("credits", "credit_id,contract_id,usage_period,amount,currency_code,reason,approved_by"),
    ],
)
def test_what_is_said_of_a_refused_row_repeats_no_cell(house: House, kind: str, columns: str) -> None:
    """SPEC 6: a mail address in the wrong column, or in a header, is not stored with the reason."""
    mail = "grace@example.com"
    good = {"account_id": "A1", "time_zone": "UTC", "listening_enabled": "true", "effective_at": "2016-01-01",
            "rate_plan_id": "starter", "starts_on": "2010-01-01", "ends_on": "2011-01-01", "contract_id": "K1",
            "functions_over_cap": "charge", "payment_terms_days": "30", "usage_period": "2016-02", "amount": "1",
            "currency_code": "USD", "account_name": "x", "reason": "x", "approved_by": "x"}  # fmt: skip
    names = columns.split(",")
    good[names[0]] = ""
    rows = [",".join(mail if name == wrong else good.get(name) or f"N{place}" for name in names)
            for place, wrong in enumerate(names)]  # fmt: skip
    house.put(**{kind: "\n".join([columns, *rows, f'"{mail}', f'{mail}"x,"']) + "\n"})
    house.load()
    first = house.rejected()
    house.put(**{kind: f"{columns},{mail},{mail}\n{rows[0]}\n"})
    house.load()
    assert len(first) > 3
    assert [row[2] for row in house.rejected() if kind in row[0]] == ["duplicate_column"]
    assert house.rows(f"select * from raw.rejected_records where contains(detail, '{mail[:5]}')") == []
    assert not any(mail[:5] in line for line in house.lines)


def test_a_quote_that_is_never_closed_takes_its_own_row_only(house: House) -> None:
    house.put(accounts=f'{ACCOUNTS}A3,"never closed,USD\nA4,"quoted, well",USD\nA5,x,USD\nA6,"open again,USD\n')
    house.load()
    assert house.rows("select account_id from raw.accounts order by 1") == [("A1",), ("A2",), ("A4",), ("A5",)]
    assert house.rejected() == [("reference/accounts.csv", line, "broken_csv") for line in (4, 7)]


@pytest.mark.parametrize(
    ("content", "reason", "word"),
    [
        (ACCOUNTS.replace(",", ";"), "missing_column", "semicolons"),
        (ACCOUNTS.replace(",", "\t"), "missing_column", "tabs"),
        ("account_id,account_name\nA1,x\n", "missing_column", "currency_code"),
        ("account_id,account_id,currency_code\nA1,A1,USD\n", "duplicate_column", "account_id"),
        (b"", "empty_file", "header"),
        (ACCOUNTS.encode("utf-16"), "not_utf8", "UTF-8"),
        (b"account_id,account_name,currency_code\nA1,\xe9,USD\n", "invalid_utf8", "Line 2"),
    ],
)
def test_an_unusable_file_is_one_reject_that_says_what_to_do(
    house: House, content: str | bytes, reason: str, word: str
) -> None:
    house.put(accounts=content)
    house.load()
    found = [row for row in house.rejected() if row[0] == "reference/accounts.csv"]
    assert found == [("reference/accounts.csv", None, reason)]
    assert word in house.rows(f"select detail from raw.rejected_records where reason = '{reason}'")[0][0]
    assert house.rows("select count(*) from raw.accounts") == [(0,)]


def test_other_names_are_listed_and_unreadable_policy_is_a_clear_error(house: House) -> None:
    (house.folder / "notes.txt").write_text("x", encoding="utf-8")
    (house.folder / "prices.csv").write_text("x\n", encoding="utf-8")
    house.load()
    assert house.rejected() == [
        ("reference/notes.txt", None, "unknown_file_type"),
        ("reference/prices.csv", None, "unknown_reference_file"),
    ]
    (house.policy / "currencies.csv").unlink()
    with pytest.raises(LedgerError, match=r"currencies\.csv"):
        house.load()


def test_optional_columns_and_an_empty_cap_rule(house: House) -> None:
    house.put(
        contracts="contract_id,account_id,rate_plan_id,starts_on,ends_on,functions_over_cap,purchase_order,"
        "payment_terms_days\nK1,A1,starter,2016-01-01,2017-01-01,,PO 1,30\nK2,A1,starter,2017-01-01,,suspended,,x\n"
        "K3,A1,starter,2017-01-01,,suspended,,0\n"
    )
    house.load()
    assert house.rows(
        "select contract_id, functions_over_cap, purchase_order, payment_terms_days from raw.contracts order by 1"
    ) == [("K1", "charge", "PO 1", 30), ("K3", "suspended", None, 0)]
    assert house.rejected() == [("reference/contracts.csv", 3, "invalid_payment_terms_days")]
