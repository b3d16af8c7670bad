"""Ten thousand contracts with mixed plans are rated by the same statements as one (SPEC P3, issue 3).

Timing is reported and never decides. What is asserted: one statement a model, no model in Python, and a sample of
the contracts rated as the oracle does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from fractions import Fraction

import duckdb
import pytest
from models.runner import POLICY, ROOT, Scratch, load_project
from oracle import Contract, read_policy
from oracle.compare import differences
from rating_cases import METERED, SINCE, Batch, expected, load

CONTRACTS = 10_000
MARTS = ("fct_invoice_lines", "fct_invoice_line_sites", "fct_invoice_line_tiers", "fct_invoices")
MARCH = date(2026, 3, 1)
PLANS = ("starter", "scale_eur", "enterprise_jpy")


def test_ten_thousand_contracts_are_rated_at_once(record_property: Callable[[str, object], None]) -> None:
    scratch = Scratch(threads=2)
    policy = read_policy(POLICY)
    load(Batch(MARCH, MARCH), scratch)
    scratch.fill_policy()
    scratch.fill("policy.settings", [{"setting": "first_billed_period", "value": "2026-03"}])
    fill = f"from range({CONTRACTS}) as numbers(n)"
    plan = f"(['{PLANS[0]}', '{PLANS[1]}', '{PLANS[2]}'])[n % 3 + 1]"
    currency = "(['USD', 'EUR', 'JPY'])[n % 3 + 1]"
    scratch.connection.execute(f"insert into raw.accounts select 1, n, 'A' || n, null, {currency} {fill}")
    # One in ten starts inside the month; every second has two sites.
    scratch.connection.execute(
        f"""
        insert into raw.contracts select 1, n, 'c' || n, 'A' || n, {plan},
            case when n % 10 = 7 then date '2026-03-12' else date '2020-01-01' end, null, 'charge', null, null {fill}
        """
    )
    scratch.connection.execute(
        f"""
        insert into raw.sites select 1, n, 's' || n || '.' || k, 'A' || n, 'UTC', true,
            timestamptz '2020-01-01 00:00:00+00' from range({CONTRACTS}) as numbers(n), range(2) as sites(k)
            where k <= n % 2
        """
    )
    usage = f"""
        select 's' || n || '.' || (day % (n % 2 + 1)) as site_id, 'c' || n as contract_id, meter,
            date '2026-03-12' + cast(day as integer) as activity_date, true as is_channel_mapped,
            cast(1 + (n * 31 + day * 977 + length(meter) * 13) % (case meter when 'function_invocation' then 90000
                when 'dar' then 1500 else 300 end) as decimal(18, 6)) as quantity,
            date '2026-03-01' as period
        from range({CONTRACTS}) as numbers(n), range(10) as days(day),
            (values ('dar'), ('listening'), ('channel_credit'), ('cobrowse_session'), ('function_invocation'))
                as meters(meter)
    """
    scratch.give("int_metered_usage", [], METERED)
    scratch.connection.execute(f"insert into intermediate.int_metered_usage by name {usage}")

    began = time.monotonic()
    scratch.run(*MARTS)
    seconds = time.monotonic() - began
    lines = scratch.rows(
        "select count(*) as lines, count(distinct contract_id) as contracts from billing.fct_invoice_lines"
    )
    record_property("rating_seconds", round(seconds, 1))
    record_property("lines", lines[0]["lines"])
    print(f"{CONTRACTS} contracts, {lines[0]['lines']} lines, 500,000 rows of usage: {seconds:.1f} s")
    # Starter has five charges, the others six: a line for each.
    assert lines == [{"lines": sum(5 if n % 3 == 0 else 6 for n in range(CONTRACTS)), "contracts": CONTRACTS}]

    # A sample, contract by contract, in plain Python.
    chosen = [*range(0, CONTRACTS, 97), 7, 17, 27]
    sample = Batch(MARCH, MARCH, list(policy.plans.values()), policy.charges, policy.tiers)
    for n in chosen:
        sample.contracts.append(
            Contract(
                f"c{n}", f"A{n}", PLANS[n % 3], date(2026, 3, 12) if n % 10 == 7 else date(2020, 1, 1), None, "charge"
            )
        )
        for k in range(n % 2 + 1):
            sample.sites[f"s{n}.{k}"] = [(SINCE, f"A{n}")]
    names = [contract.contract_id for contract in sample.contracts]
    kept = "contract_id not in (select unnest(?::varchar[]))"
    for row in scratch.rows(f"select * from intermediate.int_metered_usage where not ({kept})", [names]):
        key = (row["site_id"], row["meter"], row["activity_date"], True)
        sample.usage[key] = Fraction(row["quantity"])
    scratch.connection.execute(f"delete from billing.fct_invoice_lines where {kept}", [names])
    scratch.connection.execute(f"delete from billing.fct_invoices where {kept}", [names])
    found = differences(scratch.connection, expected(sample), only={f"billing.{mart}" for mart in MARTS})
    assert not found, "\n".join(found)
    scratch.close()


@pytest.mark.parametrize("folder", ["intermediate/rating", "intermediate/billing", "marts/billing"])
def test_no_model_of_billing_is_python(folder: str) -> None:
    assert [path.name for path in (ROOT / "models" / folder).iterdir() if path.suffix not in (".sql", ".yml")] == []


def test_every_model_is_one_sql_statement() -> None:
    load_project()
    manifest = json.loads((ROOT / "target" / "tests" / "manifest.json").read_text(encoding="utf-8"))
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) > 100
    assert {node["language"] for node in models} == {"sql"}
    several = [node["name"] for node in models if len(duckdb.extract_statements(node["compiled_code"])) != 1]
    assert several == []
