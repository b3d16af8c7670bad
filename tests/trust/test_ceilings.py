"""LEDGER_MEMORY_LIMIT is honoured, spilling stays under LEDGER_HOME, and no file takes the machine down."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import duckdb
import pytest
import yaml
import zstandard
from oracle.build import one_site

from orchestration import landing
from orchestration.batch import Batch
from orchestration.resources import remove_leftovers
from orchestration.settings import PROJECT_ROOT, Settings, connect
from trust import often
from trust.damages import lines, talk

CHATS, USERS = "messaging_interactions", "platform_users"
ROOM = 1500  # MB: the ceiling of 512 MB, the interpreter, and what Python's exact reading takes
BOMB = often(200, 10_000)  # MB of zeros
LINES = often(60_000, 10_000_000)
PEOPLE = often(100_000, 1_000_000)
PARTS = 5_100_000


def _filled(stream: IO[bytes], block: bytes, times: int) -> None:
    for _ in range(times):
        stream.write(block)


def _plant(folder: Path) -> None:
    """The hostile files, and good records beside and between them."""
    chats, users = folder / CHATS, folder / USERS
    chats.mkdir(parents=True)
    users.mkdir()
    zeros = bytes(1 << 20)
    for suffix in ("jsonl", "json"):
        with gzip.open(chats / f"bomb.{suffix}.gz", "wb", compresslevel=1) as stream:
            _filled(stream, zeros, BOMB)
        with (chats / f"bomb.{suffix}.zst").open("wb") as file, zstandard.ZstdCompressor().stream_writer(file) as out:
            _filled(out, zeros, BOMB)
    with gzip.open(chats / "newlines.jsonl.gz", "wb", compresslevel=1) as stream:
        _filled(stream, b"\n" * (1 << 20), 20)
    with (chats / "tiny.jsonl").open("wb") as stream:
        stream.write(lines(talk("tiny", 1)))
        _filled(stream, b"{\n" * 1000, LINES // 1000)
        stream.write(lines(talk("tiny", 2)))
    large = json.dumps(talk("large", 2)).replace('"TEXT_PLAIN"', '"' + "x" * (50 << 20) + '"', 1)
    parts = json.dumps(talk("parts", 2)).replace('"TEXT_PLAIN"', "[" + "[]," * PARTS + "[]]", 1).replace('"m2"', "[]")
    (chats / "large.jsonl").write_bytes(lines(talk("large", 1), large, talk("large", 3)))
    (chats / "parts.jsonl").write_bytes(lines(talk("parts", 1), parts, talk("parts", 3)))
    empties = b'{"info": {"conversationId": "e", "brandId": "s1"}, "messageRecords": [' + b"{}," * PARTS + b"{}]}"
    (chats / "empties.jsonl").write_bytes(lines(talk("empties", 1), empties, talk("empties", 3)))
    (chats / "empties.json").write_bytes(b'{"conversationHistoryRecords": [' + b"{}," * 30_000 + b"{}]}")
    with (users / "many.json").open("w") as text:
        text.write('{"accountId": "s1", "snapshotTimeL": 1773144000000, "users": [')
        for number in range(PEOPLE):
            text.write(f'{{"id": "u{number}", "userTypeId": 1, "isEnabled": true, "deleted": false, "skills": []}}, ')
        text.write('{"id": null}]}')
    (chats / "good.jsonl").write_bytes(lines(*(talk("good", n) for n in range(50))))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What a load of all of it gave, in a process of its own."""
    home = tmp_path_factory.mktemp("hostile")
    _plant(home / "landing")
    one_site(home / "landing")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hostile.py")), str(home)],
        capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_hostile_files_take_a_bounded_memory(loaded: dict) -> None:
    assert loaded["peak"] < ROOM, loaded
    assert loaded["left"] == []


@pytest.mark.parametrize(
    ("file", "records", "rejects"),
    [
        ("bomb.jsonl.gz", 1, 1), ("bomb.jsonl.zst", 1, 1), ("bomb.json.gz", 1, 1), ("bomb.json.zst", 1, 1),
        ("newlines.jsonl.gz", 1, 1), ("tiny.jsonl", 6 + LINES, LINES), ("large.jsonl", 9, 0),
        ("parts.jsonl", 7, 1), ("empties.jsonl", 7, 1), ("empties.json", 30_001, 30_001), ("good.jsonl", 150, 0),
    ],
)  # fmt: skip
def test_each_is_rejected_or_read_and_the_good_beside_it_counts(
    loaded: dict, file: str, records: int, rejects: int
) -> None:
    assert {path: found for path, *found in loaded["contents"]}[f"{CHATS}/{file}"] == [records, rejects]


def test_a_million_users_are_read_or_refused_with_a_reason(loaded: dict) -> None:
    found = {path: found for path, *found in loaded["contents"]}[f"{USERS}/many.json"]
    assert found in ([PEOPLE + 1, 1], [1, 1])
    assert loaded["unexplained"] == 0
    users = {"missing_user_id"} if found[0] > 1 else set()
    assert set(loaded["reasons"]) - users == {
        "object_too_large",
        "too_many_records",
        "broken_json",
        "missing_conversation_id",
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", as_of=datetime(2026, 4, 20, tzinfo=UTC), memory_limit="100MB")


def test_what_does_not_fit_is_read_file_by_file_and_then_by_hand(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB gives up on one file among others: it alone is read exactly, and nothing is lost or doubled."""
    folder = settings.landing / CHATS
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"{number}.jsonl").write_bytes(lines(talk(f"f{number}", 1), "{", talk(f"f{number}", 2)))
    whole = Batch._write
    failures = []

    def write(self: Batch, kept: list, parsed: list) -> None:
        whole(self, kept, parsed)
        if any(job.file.path.endswith("3.jsonl") and not job.is_by_hand for job in kept):
            failures.append(len(kept))
            raise duckdb.OutOfMemoryException("no room")

    monkeypatch.setattr(Batch, "_write", write)
    with connect(settings) as connection:
        chats = landing.load_landing(connection, settings, lambda _: None)[0]
        assert failures == [5, 3, 2, 1] or failures == [5, 3, 1], failures
        counted = "select count(*), count(distinct conversation_id) from raw.conversations"
        assert connection.execute(counted).fetchall() == [(10, 10)]
        assert connection.execute("select count(*) from raw.rejected_records").fetchall() == [(5,)]
    assert (chats.new, chats.records, chats.rejects) == (5, 35, 5)


def _big(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple]:
    """More text than the ceiling, in order: DuckDB must spill."""
    connection.execute(
        "select md5(range::varchar) || md5((range + 1)::varchar) as word from range(1500000) order by word"
    )
    yield from connection.fetchmany(10)


def test_the_ceiling_is_dbts_and_ours(settings: Settings) -> None:
    settings.home.mkdir()
    with connect(settings) as connection:
        assert connection.execute("select current_setting('memory_limit')").fetchall() == [("95.3 MiB",)]
        assert connection.execute("select current_setting('temp_directory')").fetchall() == [(str(settings.temporary),)]
    profile = (PROJECT_ROOT / "profiles.yml").read_text()
    assert "env_var('LEDGER_MEMORY_LIMIT'" in profile
    assert "env_var('LEDGER_HOME', '.ledger') }}/tmp" in profile


def test_what_dbt_sets_while_models_run_is_of_one_session() -> None:
    """dbt-duckdb sets `settings` at every cursor; a shared one changed while another thread plans ends the process."""
    target = yaml.safe_load((PROJECT_ROOT / "profiles.yml").read_text())["dar_ledger"]["outputs"]["duckdb"]
    with duckdb.connect() as connection:
        for name, value in target["settings"].items():
            connection.execute(f"set {name} = '{value}'")
            scope = connection.execute("select scope from duckdb_settings() where name = ?", [name]).fetchall()
            assert scope == [("LOCAL",)], name


def test_spilling_stays_in_the_home_and_is_cleaned_up(settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, memory_limit="50MB")
    settings.home.mkdir()
    with connect(settings) as connection:
        assert len(list(_big(connection))) == 10
        spilled = [path for path in tmp_path.rglob("*") if path.is_file() and path.name.startswith("duckdb_temp")]
        assert spilled
        assert all(path.is_relative_to(settings.temporary) for path in spilled)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith("duckdb_temp")]


def test_what_a_killed_run_spilled_is_removed(settings: Settings) -> None:
    (settings.temporary / "landing-x").mkdir(parents=True)
    (settings.temporary / "duckdb_temp_storage_S32K-0.tmp").write_bytes(b"x")
    (settings.temporary / "landing-x" / "0.jsonl").symlink_to("/etc/hostname")
    remove_leftovers(settings)
    assert list(settings.temporary.iterdir()) == []
    assert Path("/etc/hostname").exists()
