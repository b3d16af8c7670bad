"""The gates as Dagster asset checks: each expectation a check on the table it judges, the critical ones blocking.

What belongs here: how a gate's answer looks in Dagster. What does not: judging (gates) and the suites.
"""

from collections.abc import Callable, Iterator
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    Failure,
    MetadataValue,
    multi_asset_check,
)

from orchestration import gates
from orchestration.feeds import PARTITION_TAG, RAW_KEYS
from orchestration.gates import Gate, Result
from orchestration.resources import LedgerResource
from orchestration.settings import LedgerError, Settings, connect, parse_period
from orchestration.state import require_built
from orchestration.suites import CRITICAL, PublishedTable, read_suite
from orchestration.warehouse import asset_key_of_table

FAILURES_SHOWN = 10

Log = Callable[[str], None]


def require_passed(gate: Gate) -> None:
    """LedgerError that names the first failure, unless the gate passed."""
    if not gate.passed:
        raise LedgerError(gate.message())


def build_gate_check(
    settings: Settings, door: str, tables: list[PublishedTable], known: set[AssetKey]
) -> AssetChecksDefinition:
    """One step that judges a door; a failure stops what lies behind it in the same run.

    `known`: the assets there are; an expectation on any other table stands on the door's first asset.
    """
    suite = read_suite(settings, door, tables)
    behind = RAW_KEYS if door == "loaded" else [AssetKey([table.schema, table.name]) for table in tables]
    keys = {}
    specs = []
    for expectation in suite.expectations:
        key = asset_key_of_table(expectation.control.table)
        keys[expectation.control.column] = key if key in known else behind[0]
        specs.append(
            AssetCheckSpec(
                name=expectation.control.name,
                asset=keys[expectation.control.column],
                description=expectation.notes,
                additional_deps=[other for other in behind if other != keys[expectation.control.column]],
                blocking=expectation.severity == CRITICAL,
                metadata={"gate": door},
            )
        )

    @multi_asset_check(name=f"gate_{door}", specs=specs, can_subset=False)
    def gate_check(context: AssetCheckExecutionContext, ledger: LedgerResource) -> Iterator[AssetCheckResult]:
        period = parse_period(context.run.tags.get(PARTITION_TAG))
        with connect(ledger.settings) as connection:
            if door == "outgoing":
                require_built(connection, period)
            gate = gates.run_gate(connection, ledger.settings, door, period, context.run.run_id, tables)
        for expectation, result in zip(suite.expectations, gate.results, strict=True):
            if not result.success:
                context.log.warning(result.sentence())
            yield _check_result(keys[expectation.control.column], result, ledger.settings)
        if not gate.passed:
            raise Failure(gate.message(), metadata=_failures(gate), allow_retries=False)

    return gate_check


def _failures(gate: Gate) -> dict[str, MetadataValue]:
    """Each failed expectation with the query that shows its rows, beside the step that failed."""
    failed = [result for result in gate.results if not result.success and result.severity == CRITICAL]
    return {result.sentence(): MetadataValue.text(result.query) for result in failed[:FAILURES_SHOWN]}


def _check_result(key: AssetKey, result: Result, settings: Settings) -> AssetCheckResult:
    severity = AssetCheckSeverity.ERROR if result.severity == CRITICAL else AssetCheckSeverity.WARN
    metadata: dict[str, Any] = {
        "rows": result.failing,
        "observed": result.observed,
        "table": result.table,
        "query": MetadataValue.text(result.query),
        "data_docs": MetadataValue.path(str(gates.data_docs(settings))),
    }
    if result.problem:
        metadata["problem"] = result.problem
    return AssetCheckResult(
        asset_key=key,
        check_name=result.expectation,
        passed=result.success,
        severity=severity,
        description=result.notes if result.success else result.sentence(),
        metadata={name: value for name, value in metadata.items() if value is not None},
    )


def ensure_gate(
    settings: Settings, door: str, run_id: str, partition: str, tables: list[PublishedTable], log: Log
) -> None:
    """Judge a door unless this very run has found it right: nothing goes out past a gate, launched alone or not.

    Raises LedgerError when the models are not whole and of this period, or the gate fails.
    """
    period = parse_period(partition)
    with connect(settings) as connection:
        require_built(connection, period)
        if gates.passed_in_run(connection, door, period, run_id):
            return
        log(f"the gate `{door}` is judged for this run")
        require_passed(gates.run_gate(connection, settings, door, period, run_id, tables))
