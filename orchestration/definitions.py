"""Everything Dagster knows of this project. It only assembles; each noun is defined in its own module."""

from __future__ import annotations

import warnings

from dagster import AssetSelection, BetaWarning, Definitions, PreviewWarning, define_asset_job, in_process_executor

# The features marked so by Dagster are pinned by the lock; its notes would only hide ours.
warnings.filterwarnings("ignore", category=BetaWarning)
warnings.filterwarnings("ignore", category=PreviewWarning)

from orchestration.checks import build_gate_check  # noqa: E402
from orchestration.delivery import CLOSED_KEY, EXPORTS_KEY, MONTHS, PUBLISHED_KEY, build_delivery  # noqa: E402
from orchestration.feeds import RAW_ASSETS, RAW_KEYS  # noqa: E402
from orchestration.flow import MONTHLY_CLOSE, MONTHLY_RUN  # noqa: E402
from orchestration.models import read_manifest  # noqa: E402
from orchestration.resources import LedgerResource  # noqa: E402
from orchestration.schedules import build_schedules, build_sensors  # noqa: E402
from orchestration.settings import Settings  # noqa: E402
from orchestration.suites import DOORS, published_tables  # noqa: E402
from orchestration.terminal_log import terminal_logger  # noqa: E402
from orchestration.warehouse import build_dbt_assets  # noqa: E402

CONFIG = {"loggers": {"console": {}}}


def build_definitions(settings: Settings) -> Definitions:
    """Assets, gates, jobs, schedules and sensors for a home; dbt is parsed first if its files changed."""
    manifest = read_manifest(settings)
    tables = published_tables(manifest)
    models = build_dbt_assets(manifest)
    known = {*RAW_KEYS, *models.keys}
    everything = AssetSelection.keys(*known, PUBLISHED_KEY, EXPORTS_KEY)
    monthly_run = define_asset_job(
        MONTHLY_RUN,
        selection=everything,
        partitions_def=MONTHS,
        config=CONFIG,
        description="Load what is new, rebuild what it changed, gate, publish and export the draft of a month.",
    )
    monthly_close = define_asset_job(
        MONTHLY_CLOSE,
        selection=everything | AssetSelection.keys(CLOSED_KEY),
        partitions_def=MONTHS,
        config=CONFIG,
        description="The same, and close the month: seal it, give documents their numbers, export the final files.",
    )
    return Definitions(
        assets=[*RAW_ASSETS, models, *build_delivery(tables)],
        asset_checks=[build_gate_check(settings, door, tables, known) for door in DOORS],
        jobs=[monthly_run, monthly_close],
        schedules=build_schedules(monthly_run, monthly_close),
        sensors=build_sensors(monthly_run, monthly_close),
        resources={"ledger": LedgerResource()},
        loggers={"console": terminal_logger},
        executor=in_process_executor,
    )


defs = build_definitions(Settings.from_environment())
