"""Batches that are loaded side by side: committed in turn, all or nothing, the result that of one by one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest
from test_landing import MESSAGING, House, conversation, dump, lines, page

from orchestration import landing
from orchestration.batch import Batch

FILES = 12
CONTENTS = "select content_id, path from raw.landing_files order by content_id"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A home with twelve files, each a batch of its own; four threads on whatever machine."""
    monkeypatch.setattr(landing, "BATCH_FILES", 1)
    house = House(tmp_path / "house")
    for number in range(FILES):
        house.put(f"{number:02}.jsonl", lines(conversation(number), b"{", conversation(100 + number)))
    house.connection.execute("set threads = 4")
    return house


def name_of(batch: Batch) -> str:
    """The file of a batch."""
    return Path(batch.jobs[0].file.path).name


@pytest.mark.parametrize("step", ["read", "write"])
def test_batches_are_read_and_written_at_once_and_committed_in_the_order_of_their_files(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """All threads meet in one step, which they could not one after the other; the first of them is the slowest."""
    meeting, later_is_done = threading.Barrier(4, timeout=60), threading.Event()
    threads, planned, committed = set(), [], []
    real, plan, commit = getattr(Batch, step), Batch.plan, Batch.commit

    def at_once(self: Batch) -> None:
        threads.add(threading.current_thread().name)
        if name_of(self) < "04":
            meeting.wait()
        real(self)
        if name_of(self) == "01.jsonl":
            later_is_done.set()
        if name_of(self) == "00.jsonl":
            assert later_is_done.wait(60)

    def planning(self: Batch) -> None:
        planned.append(name_of(self))
        plan(self)

    def committing(self: Batch) -> None:
        committed.append(name_of(self))
        commit(self)

    monkeypatch.setattr(Batch, step, at_once)
    monkeypatch.setattr(Batch, "plan", planning)
    monkeypatch.setattr(Batch, "commit", committing)
    summary = house.load()
    assert (summary.new, summary.records, summary.rejects) == (FILES, 5 * FILES, FILES)
    assert len(threads) == 4
    assert planned == committed == [f"{number:02}.jsonl" for number in range(FILES)]
    assert [path for _, path in house.rows(CONTENTS)] == [f"{MESSAGING}/{name}" for name in committed]
    assert house.rows("select current_setting('threads')") == [(4,)]
    house.check_accounts()


STEPS = ["read", "plan", "write", "commit"]


@pytest.mark.parametrize("step", STEPS)
def test_one_that_fails_ends_all_and_what_was_committed_stays(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(Batch, step)

    def fail(self: Batch) -> None:
        real(self)
        if name_of(self) == "05.jsonl":
            raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Batch, step, fail)
        with pytest.raises(OSError, match="No space"):
            house.load()
    kept = house.rows("select count(*) from raw.landing_files")[0][0]
    assert kept == (6 if step == "commit" else 5)  # it fails after its commit, or before
    assert house.rows("select count(*) from raw.conversations") == [(2 * kept,)]
    assert house.rows("select current_setting('threads')") == [(4,)]
    assert not [one for one in threading.enumerate() if one.name.startswith("load")]
    assert list(house.settings.temporary.glob("landing-*")) == []
    assert house.load().new == FILES - kept
    assert house.rows("select count(*), count(distinct conversation_id) from raw.conversations") == [(2 * FILES,) * 2]
    house.check_accounts()


@pytest.mark.parametrize("step", ["read", "write", "commit"])
def test_what_does_not_fit_beside_others_is_loaded_after_them(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real, tried = getattr(Batch, step), []

    def short_of_memory(self: Batch) -> None:
        if step != "commit":
            real(self)
        if name_of(self) in ("03.jsonl", "11.jsonl"):
            tried.append(name_of(self))
            if threading.current_thread() is not threading.main_thread():
                raise duckdb.OutOfMemoryException("no room")
        if step == "commit":
            real(self)

    monkeypatch.setattr(Batch, step, short_of_memory)
    if step == "write":  # nothing of a batch that was rolled back may stay
        monkeypatch.setattr(Batch, "_write_paths", rolled_back(Batch._write_paths))
    summary = house.load()
    assert (summary.new, summary.records, summary.rejects) == (FILES, 5 * FILES, FILES)
    assert sorted(tried) == ["03.jsonl", "03.jsonl", "11.jsonl", "11.jsonl"] or step == "write"
    assert house.rows("select count(*), count(distinct conversation_id) from raw.conversations") == [(2 * FILES,) * 2]
    house.check_accounts()


def rolled_back(real: Any) -> Any:
    """Memory gives out inside the transaction, as long as others are at work."""

    def write_paths(self: Batch, rows: list) -> None:
        real(self, rows)
        if threading.current_thread() is not threading.main_thread():
            raise duckdb.OutOfMemoryException("no room")

    return write_paths


def test_a_content_that_moves_to_another_file_stays(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """00 gets another content while 01 gets the one that it had, which neither transaction sees of the other."""
    house.load()
    before = dict(house.rows("select path, content_id from raw.landing_files"))
    house.put("00.jsonl", lines(conversation(200)))
    house.put("01.jsonl", lines(conversation(0), b"{", conversation(100)))
    both_are_read, read = threading.Barrier(2, timeout=60), Batch.read

    def reading(self: Batch) -> None:
        read(self)
        both_are_read.wait()

    monkeypatch.setattr(Batch, "read", reading)
    summary = house.load()
    assert summary.new == 2
    after = dict(house.rows("select path, content_id from raw.landing_files"))
    assert after[f"{MESSAGING}/01.jsonl"] == before[f"{MESSAGING}/00.jsonl"]
    assert house.rows(
        "select path, conversation_id from raw.landing_files join raw.conversations using (content_id) "
        f"where path in ('{MESSAGING}/00.jsonl', '{MESSAGING}/01.jsonl') order by all"
    ) == [(f"{MESSAGING}/00.jsonl", "k200"), (f"{MESSAGING}/01.jsonl", "k0"), (f"{MESSAGING}/01.jsonl", "k100")]
    assert house.rows("select distinct conversation_id from raw.removed_conversations order by 1") == [
        ("k1",), ("k101",)
    ]  # fmt: skip
    house.check_accounts()


@pytest.mark.parametrize("step", ["write", "commit"])
def test_a_content_that_another_batch_was_to_bring_and_did_not_is_read_after_all(
    house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """13 counts on the content of 12, which does not fit beside it."""
    for name in ("12.jsonl", "13.jsonl"):
        house.put(name, lines(conversation(12), conversation(112)))
    real = getattr(Batch, step)

    def short_of_memory(self: Batch) -> None:
        if name_of(self) == "12.jsonl" and threading.current_thread() is not threading.main_thread():
            raise duckdb.OutOfMemoryException("no room")
        real(self)

    monkeypatch.setattr(Batch, step, short_of_memory)
    summary = house.load()
    assert (summary.new, summary.records) == (FILES + 2, 5 * FILES + 4)
    assert house.rows(
        f"select count(*), count(distinct content_id) from raw.landing_files where path >= '{MESSAGING}/12'"
    ) == [(2, 1)]
    house.check_accounts()


def test_what_a_run_that_died_left_without_a_file_goes_with_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies when the new contents are committed and the old ones not yet removed."""
    house.load()
    house.put("00.jsonl", lines(conversation(200)))
    with monkeypatch.context() as patched:
        patched.setattr(landing, "remove_orphans", dies)
        with pytest.raises(OSError, match="died"):
            house.load()
    assert house.rows("select count(*) from raw.landing_contents") == [(FILES + 1,)]
    assert house.load().unchanged == FILES
    assert house.rows("select count(*) from raw.landing_contents") == [(FILES,)]
    assert house.rows("select conversation_id from raw.removed_conversations order by 1") == [("k0",), ("k100",)]
    house.check_accounts()


def dies(*_: Any) -> None:
    """The end of a run."""
    raise OSError("died")


def test_a_large_object_is_loaded_with_nothing_beside_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "DEFAULT_OBJECT_BYTES", 1000)
    house.put("large.json", dump(page(*(conversation(300 + number) for number in range(20)))))
    alone, read = {}, Batch.read

    def reading(self: Batch) -> None:
        alone[name_of(self)] = threading.current_thread() is threading.main_thread()
        read(self)

    monkeypatch.setattr(Batch, "read", reading)
    house.load()
    assert alone.pop("large.json") and not any(alone.values())
    assert house.rows("select count(*) from raw.conversations") == [(2 * FILES + 20,)]
