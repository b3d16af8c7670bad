"""Tables in Dagster's metadata: as the UI shows them, with names and figures as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dagster import MetadataValue, TableColumn, TableMetadataValue, TableRecord, TableSchema

from orchestration.terminal import plain


def table_value(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> TableMetadataValue:
    """Rows as a table; every cell is text, so that no figure loses a digit on its way to the browser."""
    return MetadataValue.table(
        records=[
            TableRecord({name: plain(value) for name, value in zip(columns, row, strict=True)}) for row in rows
        ],
        schema=TableSchema(columns=[TableColumn(name, "string") for name in columns]),
    )
