"""Whatever the world does, a job recovers or says clearly what is wrong, and nothing is lost."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from streamops_nb.model.errors import SourceError, StreamopsError
from streamops_nb.model.events import BatchCommitted, ErrorRaised, StatusChanged
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace, connect
from streamops_nb.sinks.parquet import read
from tests.broker import Broker, RelayedTansu
from tests.flow.cramped import ALL

PATIENCE = 60.0
"""Seconds that a test waits for what has to happen; it usually takes a tenth of one."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with RelayedTansu(tmp_path) as broker:
        yield broker


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with connect(tmp_path / "ws", memory="512MB") as workspace:
        workspace.resources.ensure()
        yield workspace


def spec(name: str, source: dict[str, Any], **parts: Any) -> dict[str, Any]:
    stream = {"source": source, "schema": {"id": "BIGINT"}}
    return {
        "name": name,
        "streams": {"records": stream},
        "query": "SELECT id FROM records",
        "trigger": {"interval": "20ms", "rows": 10},
        "errors": {"retries": {"attempts": 1_000, "first": "20ms", "longest": "100ms"}},
        "start": {"at": "earliest"},
        **parts,
    }


def files(path: str, *, follow: bool = True) -> dict[str, Any]:
    return {"type": "files", "path": path, "follow": follow}


def lines(*numbers: int) -> bytes:
    return b"".join(b'{"id": %d}\n' % number for number in numbers)


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def until(condition: Callable[[], object], told: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.01)


def until_status(workspace: Workspace, name: str, *wanted: Status) -> None:
    until(
        lambda: workspace.job(name).status in wanted,
        lambda: (workspace.job(name).status, workspace.state(name).reason),
    )


def ids(workspace: Workspace, name: str) -> list[int]:
    found = workspace.read(f"SELECT id FROM {workspace.output(name)} ORDER BY id")
    return list(found["id"].to_pylist())


def until_ids(workspace: Workspace, name: str, wanted: list[int]) -> None:
    """Wait until the output has so many rows; then it has to be these."""
    until(
        lambda: len(workspace.job(name).output) >= len(wanted),
        lambda: (ids(workspace, name), workspace.job(name).status, workspace.state(name).reason),
    )
    assert ids(workspace, name) == wanted


def history(workspace: Workspace, name: str) -> list[Status]:
    return [e.after for e in workspace.events(name) if isinstance(e, StatusChanged)]


def failures(workspace: Workspace, name: str) -> list[ErrorRaised]:
    return [e for e in workspace.events(name) if isinstance(e, ErrorRaised)]


# the broker


def test_a_job_goes_on_where_it_was_when_its_broker_comes_back(
    workspace: Workspace, broker: Broker
) -> None:
    topic = broker.topic(1)
    broker.produce(topic, 0, [lines(n) for n in range(20)])
    source = {"type": "kafka", "servers": broker.servers, "topic": topic}
    workspace.save(spec("listener", source))
    workspace.start("listener")
    until_ids(workspace, "listener", list(range(20)))
    broker.stop()
    until_status(workspace, "listener", Status.RETRYING)
    assert broker.servers in workspace.state("listener").reason
    broker.start()
    broker.produce(topic, 0, [lines(n) for n in range(20, 40)])
    until_ids(workspace, "listener", list(range(40)))
    until_status(workspace, "listener", Status.RUNNING)
    told = history(workspace, "listener")
    assert told[told.index(Status.RETRYING) - 1] is Status.RUNNING
    assert told[told.index(Status.RETRYING) + 1] is Status.RUNNING
    assert all(failure.retryable for failure in failures(workspace, "listener"))


def test_a_topic_that_is_missing_is_named_and_read_once_it_is_there(
    workspace: Workspace, broker: Broker
) -> None:
    source = {"type": "kafka", "servers": broker.servers, "topic": "no_such_topic"}
    workspace.save(spec("listener", source))
    with pytest.raises(SourceError, match=r"'no_such_topic' .* - create the topic"):
        workspace.start("listener")
    assert workspace.job("listener").status is Status.FAILED
    assert "no_such_topic" in workspace.state("listener").reason
    broker.create("no_such_topic", 1)
    broker.produce("no_such_topic", 0, [lines(1)])
    workspace.start("listener")
    until_ids(workspace, "listener", [1])


def test_a_record_that_is_no_text_at_all_becomes_a_reject(
    workspace: Workspace, broker: Broker
) -> None:
    topic = broker.topic(1)
    poison = [b"\xff\xfe\x00{", b"", None, b"{" * 10_000, b'{"id": 1e400}', b"[1, 2]"]
    broker.produce(topic, 0, [lines(1), *poison, lines(2)])
    source = {"type": "kafka", "servers": broker.servers, "topic": topic}
    workspace.save(spec("listener", source))
    workspace.start("listener")
    until_ids(workspace, "listener", [1, 2])
    rejects = workspace.job("listener").rejects()
    assert sorted(rejects["offset"]) == list(range(1, 7))
    kept = dict(zip(rejects["offset"], rejects["raw"], strict=True))
    assert bytes(kept[1]) == poison[0]
    assert workspace.job("listener").status is Status.RUNNING


# files


def test_a_file_that_shrinks_fails_the_job_with_message_and_batch(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "ws" / "in.jsonl"
    path.write_bytes(lines(*range(30)))
    workspace.save(spec("reader", files("in.jsonl")))
    workspace.start("reader")
    until_ids(workspace, "reader", list(range(30)))
    path.write_bytes(lines(0))
    until_status(workspace, "reader", Status.FAILED)
    assert "in.jsonl" in workspace.state("reader").reason
    (failure,) = failures(workspace, "reader")
    committed = [e.n for e in workspace.events("reader") if isinstance(e, BatchCommitted)]
    assert (failure.kind, failure.retryable) == ("SourceError", False)
    assert failure.batch == committed[-1] + 1
    assert ids(workspace, "reader") == list(range(30))


def test_records_of_another_shape_are_read_or_rejected_and_the_job_goes_on(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "ws" / "in.jsonl"
    path.write_bytes(lines(0, 1))
    workspace.save(spec("reader", files("in.jsonl")))
    workspace.start("reader")
    until_ids(workspace, "reader", [0, 1])
    append(path, b'{"id": 2, "added": {"later": true}}\n')
    append(path, b'{"id": "three"}\n{"id": {"x": 4}}\n{"id": "5"}\n')
    append(path, lines(6))
    until_ids(workspace, "reader", [0, 1, 2, 5, 6])
    assert sorted(workspace.job("reader").rejects()["reason"]) == [
        'field id: "three" is not a BIGINT',
        'field id: {"x":4} is not a BIGINT',
    ]
    assert workspace.job("reader").status is Status.RUNNING


def test_an_empty_file_is_a_stream_that_ends_at_once(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "ws" / "in.jsonl").touch()
    workspace.save(spec("reader", files("in.jsonl", follow=False)))
    workspace.start("reader")
    until_status(workspace, "reader", Status.FINISHED)
    assert ids(workspace, "reader") == []
    assert failures(workspace, "reader") == []


def test_what_a_truncated_gz_holds_is_delivered_before_the_error_names_the_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "ws" / "in.jsonl.gz"
    whole = gzip.compress(b"".join(lines(n * 7919 % 100_003) for n in range(2_000)))
    path.write_bytes(whole[: len(whole) // 2])
    job = spec("reader", files("in.jsonl.gz", follow=False), trigger={"interval": "20ms"})
    workspace.save(job)
    workspace.start("reader")
    until_status(workspace, "reader", Status.FAILED)
    assert "in.jsonl.gz" in workspace.state("reader").reason
    delivered = ids(workspace, "reader")
    assert 500 < len(delivered) < 2_000
    assert delivered == sorted(n * 7919 % 100_003 for n in range(len(delivered)))


# the job's file


def test_a_corrupted_job_file_fails_its_job_and_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    with connect(folder, memory="512MB") as workspace:
        workspace.resources.ensure()
        (folder / "in.jsonl").write_bytes(lines(0, 1))
        for name in ("ill", "well"):
            workspace.save(spec(name, files("in.jsonl")))
            workspace.start(name)
            until_ids(workspace, name, [0, 1])
    path = folder / "jobs" / "ill.db"
    path.write_bytes(path.read_bytes()[:8_192] + b"x" * (path.stat().st_size - 8_192))
    append(folder / "in.jsonl", lines(2))
    with connect(folder, memory="512MB") as workspace:
        workspace.resources.ensure()
        until_ids(workspace, "well", [0, 1, 2])
        assert workspace.job("ill").status is Status.FAILED
        assert "ill.db" in workspace.state("ill").reason
        with pytest.raises(StreamopsError, match=r"ill\.db"):
            workspace.start("ill")


# the disk


@pytest.mark.parametrize("sink", [{"type": "table"}, {"type": "parquet", "path": "out"}])
def test_when_room_is_made_on_a_full_disk_the_job_goes_on_and_nothing_is_lost(
    sink: dict[str, Any], tmp_path: Path
) -> None:
    program = str(Path(__file__).with_name("cramped.py"))
    folder = tmp_path / "ws"
    done = subprocess.run(
        [sys.executable, program, str(folder), json.dumps(sink)],
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr  # an alarm may tell of the failure there
    told = json.loads(done.stdout)
    assert "File too large" in told["reason"]
    assert ("jobs/writer.db" if sink["type"] == "table" else "out/writer") in told["reason"]
    assert set(told["batches"]) == {2}
    with connect(folder, resume=False, memory="512MB") as workspace:
        workspace.resources.ensure()
        if sink["type"] == "table":
            found = ids(workspace, "writer")
        else:
            found = sorted(read(folder / "out")["id"].to_pylist())
    assert found == list(range(ALL))
