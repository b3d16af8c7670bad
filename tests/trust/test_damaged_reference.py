"""Reference files damaged in every way: the good rows are in force and billed exactly, each bad one is listed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from models.runner import Scratch

from trust.small import Small
from trust.test_damages import ACTIONS
from trust.variants import Records, as_it_came, put, write_accounts

FIRST = "2015-01-01"
KINDS = ("accounts", "sites", "contracts")
# (file, row by column, reason): rows that each contradict a good one, or name what nobody knows.
BAD_ROWS = [
    ("accounts", {"account_id": "A", "account_name": "again", "currency_code": "USD"}, "duplicate_key"),
    ("accounts", {"account_id": "Q", "account_name": "q", "currency_code": "XQX"}, "unknown_currency"),
    ("accounts", {"account_id": "", "account_name": "q", "currency_code": "USD"}, "missing_value"),
    ("sites", {"site_id": "north", "account_id": "B", "time_zone": "UTC", "effective_at": FIRST}, "duplicate_key"),
    ("sites", {"site_id": "s9", "account_id": "nobody", "time_zone": "UTC"}, "unknown_account"),
    ("sites", {"site_id": "s9", "account_id": "A", "time_zone": "EST"}, "unknown_time_zone"),
    ("sites", {"site_id": "s9", "account_id": "A", "time_zone": "UTC", "listening_enabled": "1"}, "invalid_boolean"),
    ("sites", {"site_id": "s9", "account_id": "A", "time_zone": "UTC", "effective_at": "03/01/26"}, "invalid_instant"),
    ("contracts", {"contract_id": "A1", "account_id": "B"}, "duplicate_key"),
    ("contracts", {"contract_id": "A2", "account_id": "A", "ends_on": ""}, "contracts_overlap"),
    ("contracts", {"contract_id": "A3", "account_id": "A", "rate_plan_id": "gold"}, "unknown_rate_plan"),
    ("contracts", {"contract_id": "A4", "account_id": "A", "starts_on": "2026-04-31"}, "invalid_date"),
    ("contracts", {"contract_id": "A5", "account_id": "A", "ends_on": "2026-01-01"}, "ends_before_it_starts"),
]
DEFAULTS = {"listening_enabled": "true", "effective_at": "2016-01-01", "rate_plan_id": "starter", "starts_on":
            "2026-02-01", "ends_on": "2026-02-02", "functions_over_cap": "charge"}  # fmt: skip

Change = Callable[[str, list[dict[str, str]]], bytes]


def written(rows: list[dict[str, str]], columns: list[str], **style: str) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", extrasaction="ignore", **style)
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


def other_order(kind: str, rows: list[dict[str, str]]) -> bytes:
    return written([row | {"note": 'x, "y"\r\nz', "": "?"} for row in rows], ["note", *reversed(rows[0]), ""])


def spreadsheet(kind: str, rows: list[dict[str, str]]) -> bytes:
    """As a spreadsheet saves it: a byte order mark, capitals in the header, everything quoted, blank rows."""
    text = written(rows, list(rows[0]), lineterminator="\r\n", quoting=csv.QUOTE_ALL).decode()
    header, _, rest = text.partition("\r\n")
    return ("\ufeff" + header.upper() + "\r\n\r\n" + rest.replace('"A"', '" A "') + ",,,,\r\n").encode()


def bad_rows(kind: str, rows: list[dict[str, str]]) -> bytes:
    bad = [DEFAULTS | row for name, row, _ in BAD_ROWS if name == kind]
    text = written(rows + bad, list(rows[0]))
    return text + b'"never closed,x\r\n\xc3\xa9,too,few\r\n'


WAYS: dict[str, Change] = {"other_order": other_order, "spreadsheet": spreadsheet, "bad_rows": bad_rows}


def ledger(scratch: Scratch, home: Path, change: Change | None) -> Small:
    small = Small.at(scratch, home)
    write_accounts(small.settings.landing)
    put(small.settings.landing, as_it_came(Records(3)))
    for kind in KINDS if change else ():
        path = small.settings.landing / "reference" / f"{kind}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            rows = [{key: value for key, value in row.items() if key not in ("purchase_order", "payment_terms_days")}
                    for row in csv.DictReader(stream)]  # fmt: skip
        path.write_bytes(change(kind, rows))
    return small.run()


@pytest.fixture(scope="module")
def clean(scratch: Scratch, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return ledger(scratch, tmp_path_factory.mktemp("clean"), None).contents()


@pytest.mark.parametrize("way", WAYS)
def test_good_rows_are_in_force_whatever_stands_around_them(
    way: str, clean: dict[str, str], scratch: Scratch, tmp_path: Path
) -> None:
    small = ledger(scratch, tmp_path, WAYS[way])
    assert small.contents() == clean
    assert small.imbalances() == []
    listed = small.rows(
        "select split_part(split_part(file, '/', 2), '.', 1), reason, detail, line from quality.fct_rejected_records "
        "where feed = 'reference' order by all"
    )
    wanted = []
    if way == "bad_rows":
        wanted = [(kind, reason) for kind, _, reason in BAD_ROWS]
        wanted += [(kind, reason) for kind in KINDS for reason in ("broken_csv", "wrong_number_of_values")]
        # accounts.csv has three columns, and so has its last row: only its currency is unknown.
        wanted.remove(("accounts", "wrong_number_of_values"))
        wanted.append(("accounts", "unknown_currency"))
    assert sorted((kind, reason) for kind, reason, *_ in listed) == sorted(wanted)
    assert all(line and detail.endswith(".") and ACTIONS.search(detail) for _, _, detail, line in listed)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"site_id;account_id;time_zone;listening_enabled;effective_at\nnorth;A;UTC;true;2015\n", "missing_column"),
        ("site_id,account_id\n".encode("utf-16"), "not_utf8"),
        (b"", "empty_file"),
        (b"site_id,site_id,account_id,time_zone,listening_enabled,effective_at\n", "duplicate_column"),
        (b"\xff\xfe\x00", "not_utf8"),
        (b"site_id,account_id,time_zone,listening_enabled,effective_at\nnorth,A,\xe9,true,2015\n", "invalid_utf8"),
    ],
)
def test_a_file_that_is_none_rejects_its_records_until_it_is_mended(
    data: bytes, reason: str, clean: dict[str, str], scratch: Scratch, tmp_path: Path
) -> None:
    small = ledger(scratch, tmp_path, None)
    path = small.settings.landing / "reference" / "sites.csv"
    good = path.read_bytes()
    path.write_bytes(data)
    small.load()
    assert small.rows("select count(*) from raw.sites") == [(0,)]
    assert small.rows("select reason from raw.rejected_records where record_kind = 'file'") == [(reason,)]
    path.write_bytes(good)
    small.run()
    assert small.contents() == clean
