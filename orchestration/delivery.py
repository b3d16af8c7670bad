"""What leaves the house, a month at a time: the seal of a closed period, the published file, the exports.

What belongs here: these three assets and their order. What does not: how each is made (sealing, publication, exports).
"""

from collections.abc import Mapping
from getpass import getuser
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Config,
    MaterializeResult,
    MetadataValue,
    MonthlyPartitionsDefinition,
    asset,
)
from pydantic import Field

from orchestration import gates
from orchestration.checks import ensure_gate
from orchestration.content import Content
from orchestration.exports import MANIFEST, export_folder, write_exports
from orchestration.metadata import table_value
from orchestration.publication import publish, published_file
from orchestration.resources import LedgerResource
from orchestration.review import require_same_draft
from orchestration.sealing import load_seals, seal_period, verify_chain
from orchestration.settings import Settings, connect, parse_period
from orchestration.state import loading, month
from orchestration.suites import PublishedTable
from orchestration.unchanged import finish_run
from orchestration.warehouse import rebuild

MONTHS = MonthlyPartitionsDefinition(start_date="2015-01", fmt="%Y-%m", end_offset=1)
CLOSED_KEY = AssetKey("closed_period")
PUBLISHED_KEY = AssetKey("published_finance")
EXPORTS_KEY = AssetKey("exports")
# What a seal changes: everything behind the staging models that read it back.
BEHIND_SEALS = ["path:models/staging/sealed+,resource_type:model", "path:models/staging/sealed+,tag:changed"]

DELIVERY = {"group_name": "delivery", "owners": ["team:finance"], "partitions_def": MONTHS}

# Contents of the published file by the run that wrote it, so that the exports of the same run do not hash it again.
_published_by_run: dict[str, dict[str, Content]] = {}


class CloseConfig(Config):
    """Who closes, and the digest of the draft that was reviewed (SPEC C2)."""

    by: str = Field(default="", description="Who closes the period; stands in closed.json beside the seal.")
    draft: str = Field(
        default="", description="The digest of the reviewed draft: closing stops if the lines have changed."
    )


def head_of_chain(settings: Settings) -> dict[str, str | None]:
    """The last sealed period and its seal's hash, after proving the whole chain; LedgerError when it is broken."""
    head = verify_chain(settings).head
    return {"period": month(head.period) if head else None, "sha256": head.seal_hash if head else None}


def deliver(
    settings: Settings, run_id: str, partition: str, tables: list[PublishedTable], log: Any
) -> dict[str, Content]:
    """Gate, chain, then publication; the gate and the chain are asked whoever calls, and in whatever order."""
    head_of_chain(settings)
    ensure_gate(settings, "outgoing", run_id, partition, tables, log)
    contents = publish(settings, tables, log)
    _published_by_run.clear()
    _published_by_run[run_id] = contents
    return contents


def build_delivery(tables: list[PublishedTable]) -> list[AssetsDefinition]:
    """The assets closed_period, published_finance and exports behind the published models."""
    marts = [AssetKey([table.schema, table.name]) for table in tables]

    @asset(key=CLOSED_KEY, deps=marts, kinds={"python"}, **DELIVERY)
    def closed_period(context: AssetExecutionContext, ledger: LedgerResource, config: CloseConfig) -> MaterializeResult:
        """The seal of a period: its lines, usage and terms, written once and chained to the last seal (SPEC C1)."""
        settings, period = ledger.settings, parse_period(context.partition_key)
        by = config.by or getuser()
        head_of_chain(settings)
        ensure_gate(settings, "outgoing", context.run_id, context.partition_key, tables, context.log.info)
        with connect(settings) as connection:
            is_new = all(seal.period != period for seal in verify_chain(settings).seals)
            if is_new and config.draft:
                require_same_draft(connection, settings, period, config.draft)
            seal = seal_period(connection, settings, period, by, context.run_id, context.log.info)
        if is_new:
            with loading(settings, context.run_id) as connection:
                load_seals(connection, settings)
                # The gate judged the draft; what goes out is the closed period.
                gates.forget(connection, "outgoing", context.run_id)
            rebuild(settings, context.run_id, BEHIND_SEALS, context.log.info)
        closed_by = {"closed_by": by} if is_new else {}
        return MaterializeResult(metadata={"seal": seal.seal_hash, "is_new": is_new, **closed_by})

    @asset(key=PUBLISHED_KEY, deps=[*marts, CLOSED_KEY], kinds={"duckdb"}, **DELIVERY)
    def published_finance(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
        """published/finance.duckdb, replaced as a whole after the gate; what finance and BI open."""
        contents = deliver(ledger.settings, context.run_id, context.partition_key, tables, context.log.info)
        return MaterializeResult(metadata=_published_metadata(ledger.settings, contents))

    @asset(key=EXPORTS_KEY, deps=[PUBLISHED_KEY], kinds={"csv", "parquet", "excel"}, **DELIVERY)
    def exports(context: AssetExecutionContext, ledger: LedgerResource) -> MaterializeResult:
        """exports/YYYY-MM/: report, workbook, statements, lines, documents and alerts; drafts say so in their names."""
        settings = ledger.settings
        contents = _published_by_run.get(context.run_id)
        if contents is None:
            contents = deliver(settings, context.run_id, context.partition_key, tables, context.log.info)
        period = parse_period(context.partition_key)
        written = write_exports(settings, period, contents, head_of_chain(settings), context.log.info)
        finish_run(settings, period, context.run_id)
        return MaterializeResult(metadata=_export_metadata(settings, written[0].manifest, period))

    return [closed_period, published_finance, exports]


def _published_metadata(settings: Settings, contents: Mapping[str, Content]) -> dict[str, Any]:
    rows = [(name, content.rows, content.sha256[:12]) for name, content in contents.items()]
    with connect(settings) as connection:
        sums = connection.execute(
            "select billing_period, currency_code, status, count(*), sum(amount) from billing.fct_invoice_lines "
            "group by all order by all"
        ).fetchall()
    return {
        "file": MetadataValue.path(str(published_file(settings))),
        "tables": table_value(["table", "rows", "content"], rows),
        "lines": table_value(["period", "currency", "status", "lines", "amount"], sums),
        "data_docs": MetadataValue.path(str(gates.data_docs(settings))),
    }


def _export_metadata(settings: Settings, manifest: Mapping[str, Any], period: Any) -> dict[str, Any]:
    folder = export_folder(settings, period)
    files = [
        (name, entry.get("rows"), entry["bytes"], entry["sha256"][:12])
        for name, entry in manifest["files"].items()
        if "/" not in name
    ]
    of_accounts = [entry for name, entry in manifest["files"].items() if "/" in name]
    if of_accounts:
        files.append((f"accounts/: {len(of_accounts):,} files", None, sum(entry["bytes"] for entry in of_accounts), ""))
    report = next((name for name in manifest["files"] if name.startswith("report.")), None)
    return {
        "folder": MetadataValue.path(str(folder)),
        **({"report": MetadataValue.path(str(folder / report))} if report else {}),
        "manifest": MetadataValue.path(str(folder / MANIFEST)),
        "status": manifest["status"],
        "files": table_value(["file", "rows", "bytes", "sha256"], files),
        "sums": table_value(["currency", "amount"], manifest["sums"].items()),
        "draft_digest": manifest["draft_digest"],
        "data_docs": MetadataValue.path(str(gates.data_docs(settings))),
    }
