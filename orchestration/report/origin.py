"""What a period's files say of where their figures come from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from orchestration.report import words


def origin(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The books' one row `run` as named facts: HEAD's hash first; nothing in it names an account."""
    head = f"{text(run.get('head_period'))} {text(run.get('head_hash'))}".strip()
    return [
        ("Period", f"{words.month_code(run['period'])} ({'final' if run['status'] == 'final' else 'draft'})"),
        ("Last seal (HEAD)", head or "no month is closed yet"),
        ("Digest of the lines", text(run.get("draft_digest"))),
        ("Computed as of", text(run.get("as_of"))),
        ("Zone data", text(run.get("tzdata_version"))),
        ("Code", text(run.get("code_version"))),
    ]


def text(value: Any) -> str:
    """A fact as text; instants in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return words.month_code(value) if value.day == 1 else value.isoformat()
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each)
    return "" if value is None else str(value)
