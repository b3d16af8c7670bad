"""A database, a dataset and a line chart of DARs a day in a running Apache Superset, by its API (docs/superset.md).

Usage: python docs/superset_chart.py <address> <user> <password> <published/finance.duckdb>
It prints where the chart is. Run it in Superset's own environment, which has `requests`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests

TIMEOUT = 60


class Superset:
    """A session that is logged in."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self.address = address.rstrip("/")
        self.session = requests.Session()
        login = {"username": user, "password": password, "provider": "db", "refresh": True}
        token = self.post("security/login", login)["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"
        answer = self.session.get(f"{self.address}/api/v1/security/csrf_token/", timeout=TIMEOUT)
        self.session.headers.update({"X-CSRFToken": answer.json()["result"], "Referer": self.address})

    def post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """Superset's answer; SystemExit with its words where it refuses."""
        answer = self.session.post(f"{self.address}/api/v1/{path}", json=content, timeout=TIMEOUT)
        if answer.status_code not in (200, 201):
            sys.exit(f"Superset refused {path} ({answer.status_code}): {answer.text[:500]}")
        return answer.json()


def main(address: str, user: str, password: str, file: str) -> None:
    """Make the three, and say where the chart is."""
    superset = Superset(address, user, password)
    database = superset.post(
        "database/",
        {
            "database_name": "DAR Ledger",
            "sqlalchemy_uri": f"duckdb:///{Path(file).resolve()}",
            "extra": json.dumps({"engine_params": {"connect_args": {"read_only": True}}}),
            "expose_in_sqllab": True,
        },
    )["id"]
    dataset = superset.post("dataset/", {"database": database, "schema": "usage", "table_name": "fct_daily_usage"})[
        "id"
    ]
    parameters = {
        "datasource": f"{dataset}__table",
        "viz_type": "echarts_timeseries_line",
        "x_axis": "activity_date",
        "time_grain_sqla": "P1D",
        "metrics": [{"expressionType": "SQL", "sqlExpression": "sum(quantity)", "label": "DARs"}],
        "groupby": ["contract_id"],
        "adhoc_filters": [{"clause": "WHERE", "expressionType": "SQL", "sqlExpression": "meter = 'dar'"}],
        "row_limit": 10_000,
    }
    chart = superset.post(
        "chart/",
        {
            "slice_name": "DARs a day by contract",
            "viz_type": parameters["viz_type"],
            "datasource_id": dataset,
            "datasource_type": "table",
            "params": json.dumps(parameters),
        },
    )["id"]
    print(f"{superset.address}/explore/?slice_id={chart}")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
