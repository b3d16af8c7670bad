"""The rows of one reference CSV file: its columns, its lines, and why a row or a file cannot be read.

What belongs here: what INPUTS.md says of the form of these files. What does not: what their values may be
(reference_checks), which file is in force (reference).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from orchestration.files import UTF16_MARKS, FoundFile, UnreadableError, read_all
from orchestration.records import DETAILS, sha256

LARGEST_FILE = 256 << 20  # bytes; a reference file is a few kilobytes

REQUIRED = {
    "accounts": ("account_id", "currency_code"),
    "sites": ("site_id", "account_id", "time_zone", "listening_enabled", "effective_at"),
    "contracts": ("contract_id", "account_id", "rate_plan_id", "starts_on", "ends_on", "functions_over_cap"),
    "credits": ("credit_id", "contract_id", "usage_period", "amount", "currency_code", "approved_by"),
}
MAY_BE_EMPTY = {"ends_on", "functions_over_cap"}
TABLES = {
    "accounts": (("account_id", "varchar"), ("account_name", "varchar"), ("currency_code", "varchar")),
    "sites": (
        ("site_id", "varchar"),
        ("account_id", "varchar"),
        ("time_zone", "varchar"),
        ("listening_enabled", "boolean"),
        ("effective_at", "timestamptz"),
    ),
    "contracts": (
        ("contract_id", "varchar"),
        ("account_id", "varchar"),
        ("rate_plan_id", "varchar"),
        ("starts_on", "date"),
        ("ends_on", "date"),
        ("functions_over_cap", "varchar"),
        ("purchase_order", "varchar"),
        ("payment_terms_days", "integer"),
    ),
    "credits": (
        ("credit_id", "varchar"),
        ("contract_id", "varchar"),
        ("usage_period", "date"),
        ("amount", "decimal(18, 4)"),
        ("currency_code", "varchar"),
        ("reason", "varchar"),
        ("approved_by", "varchar"),
    ),
}


class RefusedError(Exception):
    """A row (or file) that is refused: the word for it and a sentence that says what to do."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Row:
    """A row of a CSV file: its values by column, the line it begins on, and the hash of its text."""

    line: int
    values: dict[str, str]
    digest: str

    def get(self, column: str) -> str | None:
        return self.values.get(column) or None


def read_rows(file: FoundFile, kind: str) -> Iterator[tuple[Row, RefusedError | None]]:
    """Every row of a CSV file that is not blank, by column name, and what is wrong with it as a row, if anything is.

    RefusedError if the file as a whole is unusable.
    """
    try:
        data = read_all(file, LARGEST_FILE)
    except UnreadableError as error:
        raise RefusedError(error.reason, DETAILS[error.reason]) from error
    if data.startswith(UTF16_MARKS):
        raise RefusedError("not_utf8", DETAILS["not_utf8"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RefusedError("invalid_utf8", f"Line {line} is not UTF-8: save the file as CSV in UTF-8.") from error
    lines = list(io.StringIO(text, newline=""))
    skipped, reader = 0, csv.reader(iter(lines), strict=True)
    header: list[str] | None = None
    while True:
        begin = skipped + reader.line_num
        try:
            cells = next(reader)
            end = skipped + reader.line_num
        except StopIteration:
            break
        except csv.Error as error:
            # A quote that is never closed takes its own line with it, not the rows behind it.
            cells, fault, end = None, str(error), begin + 1
            skipped, reader = end, csv.reader(islice(lines, end, None), strict=True)
        raw = "".join(lines[begin:end]).rstrip("\r\n").encode("utf-8", "surrogatepass")
        row = Row(begin + 1, {}, sha256(raw))
        if cells is None:
            if header is None:
                raise RefusedError("broken_csv", f"The header cannot be read ({fault}): save the file as CSV anew.")
            yield row, RefusedError("broken_csv", f"The row cannot be read ({fault}): check its quotes.")
            continue
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if header is None:
            header = [cell.lower() for cell in cells]
            _check_header(kind, header)
            continue
        if len(cells) < len(header) or any(cells[len(header) :]):
            fault = f"The row has {len(cells)} values and the header {len(header)}: put values with commas in quotes."
            yield row, RefusedError("wrong_number_of_values", fault)
            continue
        if any("\0" in cell for cell in cells):
            yield row, RefusedError("unusable_value", "A value holds a NUL character: remove it.")
            continue
        row.values.update(zip(header, cells, strict=False))
        yield row, None
    if header is None:
        raise RefusedError("empty_file", "The file has no header: deliver it again.")


def _check_header(kind: str, header: list[str]) -> None:
    known = [name for name, _ in TABLES[kind]]
    missing = [column for column in REQUIRED[kind] if column not in header]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if missing and len(header) == 1 and separator in header[0]:
            raise RefusedError(
                "missing_column", f"The values are separated by {name}: save the file as CSV separated by commas."
            )
    if missing:
        raise RefusedError("missing_column", f"The header has no column {', '.join(missing)}: add it.")
    doubled = {column for column in header if column and header.count(column) > 1}
    if doubled:
        # A name that is not ours may be anything: only places are told.
        names = sorted(doubled & set(known)) or ["a column of another name"]
        raise RefusedError("duplicate_column", f"The header has {', '.join(names)} twice: remove one.")
