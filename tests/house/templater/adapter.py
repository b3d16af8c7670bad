"""dbt's `adapter` for sqlfluff's Jinja templater: DuckDB's word of a dispatched macro.

sqlfluff loads this file alone (pyproject.toml, library_path), and only while it lints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


def dispatch(name: str, package: str | None = None) -> Callable[..., str]:
    """The macro `default__<name>`, which stands in the file of the macro that calls this."""

    @pass_context
    def call(context: Context, *arguments: Any) -> str:
        return context.resolve(f"default__{name}")(*arguments)

    return call
