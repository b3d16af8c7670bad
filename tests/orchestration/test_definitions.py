"""What Dagster shows and may launch: our assets, gates, jobs, schedules and sensors, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    Definitions,
    build_schedule_context,
    build_sensor_context,
)

from orchestration import schedules
from orchestration.instance import dagster_home, open_instance
from orchestration.models import read_manifest
from orchestration.settings import LedgerError, Settings
from orchestration.suites import published_tables
from orchestration.warehouse import LedgerTranslator, asset_key_of_table


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.from_environment({"LEDGER_HOME": str(tmp_path_factory.mktemp("definitions"))})


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> Iterator[Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_HOME", str(settings.home))
        from orchestration.definitions import build_definitions

        yield build_definitions(settings)


def test_nothing_but_our_jobs_and_schedules(definitions: Definitions) -> None:
    repository = definitions.get_repository_def()
    names = {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"}
    assert names == {"monthly_run", "monthly_close"}
    assert {schedule.name for schedule in repository.schedule_defs} == {"nightly_draft", "close_of_month"}
    assert {sensor.name for sensor in repository.sensor_defs} == {"new_landing_files", "failed_runs", "dead_runs"}


def test_everything_is_off_until_a_person_switches_it_on(definitions: Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {schedule.default_status for schedule in repository.schedule_defs} == {DefaultScheduleStatus.STOPPED}
    # Nothing starts by itself; what clears away after a killed command does.
    running = {sensor.name for sensor in repository.sensor_defs if sensor.default_status != DefaultSensorStatus.STOPPED}
    assert running == {"dead_runs"}


def test_the_graph_tells_the_flow_by_groups(definitions: Definitions, settings: Settings) -> None:
    graph = definitions.resolve_asset_graph()
    groups = {graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups == {
        "raw", "policy", "staging", "intermediate", "reference", "usage", "billing", "quality", "support", "delivery"
    }  # fmt: skip
    for table in published_tables(read_manifest(settings)):
        node = graph.get(AssetKey([table.schema, table.name]))
        assert node.description
        assert node.owners
        assert AssetKey("published_finance") in node.child_keys
    assert all(graph.get(key).description for key in graph.materializable_asset_keys)


def test_a_month_is_the_partition_of_what_leaves_the_house(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name in ("closed_period", "published_finance", "exports"):
        partitions = graph.get(AssetKey(name)).partitions_def
        assert partitions is not None
        assert partitions.has_partition_key("2026-03")
        assert partitions.has_partition_key(f"{datetime.now(UTC):%Y-%m}")
    assert graph.get(AssetKey(["billing", "fct_invoices"])).partitions_def is None


def test_the_gates_stand_between(definitions: Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = {key for key in graph.asset_check_keys if graph.get(key).blocking}
    assert any(key.asset_key == AssetKey(["raw", "sites"]) or key.asset_key.path[0] == "raw" for key in blocking)
    assert any(key.name == "lines_add_up_to_invoices" for key in blocking)
    assert not any(key.name == "usage_is_within_the_alert_levels" for key in blocking)
    steps = definitions.resolve_job_def("monthly_close").graph.dependency_structure
    upstream = {
        node: {dependency.node_name for dependency in steps.all_upstream_outputs_from_node(node)}
        for node in ("models", "published_finance", "closed_period", "exports")
    }
    assert "gate_loaded" in upstream["models"]
    assert "gate_outgoing" in upstream["published_finance"]
    assert "gate_outgoing" in upstream["closed_period"]
    assert "closed_period" in upstream["published_finance"]
    assert "published_finance" in upstream["exports"]
    run = definitions.resolve_job_def("monthly_run").graph
    assert "closed_period" not in {node.name for node in run.nodes}


def test_raw_tables_belong_to_their_feed() -> None:
    translator = LedgerTranslator()
    assert translator.get_asset_key({"resource_type": "source", "name": "messages"}).path == [
        "raw", "messaging_interactions"
    ]  # fmt: skip
    assert asset_key_of_table("raw.sealed_sites").path == ["raw", "seals"]
    assert asset_key_of_table("raw.rejected_records").path == ["raw", "landing_files"]
    assert asset_key_of_table("billing.fct_invoices").path == ["billing", "fct_invoices"]


def test_the_instance_is_ours_and_sends_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(dagster_home(settings)))
    with open_instance(settings) as instance:
        assert not instance.telemetry_enabled
        assert type(instance.event_log_storage).__name__ == "OpenEventLogStorage"
        assert instance.run_coordinator.__class__.__name__ == "QueuedRunCoordinator"


def test_the_open_event_log_keeps_what_dagster_writes(settings: Settings) -> None:
    from dagster import asset, materialize

    @asset
    def thing() -> None:
        """Something."""

    with open_instance(settings) as instance:
        runs = [materialize([thing], instance=instance).run_id for _ in range(6)]
        assert len(instance.fetch_materializations(AssetKey("thing"), limit=10).records) == 6
    with DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        for run_id in runs:
            assert any(record.is_dagster_event for record in instance.all_logs(run_id))


@pytest.mark.parametrize(
    ("instant", "period"),
    [
        ("2026-10-15T02:00:00+00:00", "2026-10"),
        ("2026-11-01T02:00:00+00:00", "2026-10"),  # still October in the last zone
        ("2026-11-02T02:00:00+00:00", "2026-11"),
    ],
)
def test_the_nightly_draft_is_of_the_month_that_is_running(instant: str, period: str) -> None:
    assert schedules.running_period(datetime.fromisoformat(instant)) == period


@pytest.mark.parametrize(
    ("instant", "days", "period"),
    [
        ("2026-11-04T13:00:00+00:00", 3, "2026-10"),
        ("2026-11-03T13:00:00+00:00", 3, None),
        ("2026-11-05T13:00:00+00:00", 3, None),
        ("2026-11-01T13:00:00+00:00", 0, "2026-10"),
        ("2027-01-04T13:00:00+00:00", 3, "2026-12"),
    ],
)
def test_a_month_is_closed_once_it_has_ended_and_settled(instant: str, days: int, period: str | None) -> None:
    assert schedules.period_to_close(datetime.fromisoformat(instant), days) == period


def test_the_schedules_launch_a_month(definitions: Definitions, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = definitions.get_repository_def()
    nightly = repository.get_schedule_def("nightly_draft")
    context = build_schedule_context(
        scheduled_execution_time=datetime(2026, 10, 15, 2, tzinfo=UTC), repository_def=repository
    )
    (request,) = nightly.evaluate_tick(context).run_requests
    assert request.partition_key == "2026-10"
    closing = repository.get_schedule_def("close_of_month")
    skipped = closing.evaluate_tick(
        build_schedule_context(
            scheduled_execution_time=datetime(2026, 10, 20, 13, tzinfo=UTC), repository_def=repository
        )
    )
    assert not skipped.run_requests
    assert "settling days" in (skipped.skip_message or "")


def test_new_landing_files_are_seen_once(
    definitions: Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path))
    monkeypatch.setenv("LEDGER_AS_OF", "2026-04-20T12:00:00Z")
    repository = definitions.get_repository_def()
    sensor = repository.get_sensor_def("new_landing_files")
    folder = tmp_path / "landing" / "messaging_interactions"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text("{}\n", encoding="utf-8")
    with DagsterInstance.ephemeral() as instance:

        def look(cursor: str | None) -> tuple[list[str | None], str | None]:
            context = build_sensor_context(instance=instance, cursor=cursor, repository_def=repository)
            tick = sensor.evaluate_tick(context)
            return [request.partition_key for request in tick.run_requests or []], tick.cursor

        first, cursor = look(None)
        assert first == ["2026-04"]
        assert look(cursor)[0] == []
        (folder / "b.jsonl").write_text("{}\n", encoding="utf-8")
        assert look(cursor)[0] == ["2026-04"]


def test_a_failed_run_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.from_environment({"LEDGER_HOME": str(tmp_path)})
    monkeypatch.delenv("LEDGER_WEBHOOK_URL", raising=False)
    schedules.report_failure(settings, "monthly_run", "run-1", "2026-04", "Steps failed: ['gate_outgoing']")
    (line,) = (tmp_path / "logs" / "failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["run_id"] == "run-1"


def test_a_failed_run_is_posted_where_the_webhook_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    posted: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    settings = Settings.from_environment({"LEDGER_HOME": str(tmp_path)})
    monkeypatch.setenv("LEDGER_WEBHOOK_URL", f"http://127.0.0.1:{server.server_port}/failed")
    schedules.report_failure(settings, "monthly_close", "run-2", "2026-04", "Steps failed: ['closed_period']")
    thread.join()
    server.server_close()
    assert [(entry["job"], entry["period"]) for entry in posted] == [("monthly_close", "2026-04")]
    monkeypatch.setenv("LEDGER_WEBHOOK_URL", "file:///etc/passwd")
    with pytest.raises(LedgerError, match="not an http"):
        schedules.report_failure(settings, "monthly_close", "run-2", "2026-04", "Steps failed")
