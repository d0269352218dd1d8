"""A forecast asks the sources and touches nothing; a start says what a source no longer has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from tests.broker import RelayedTansu
from tests.ops.operated import opened, plant

SHORT = {"retries": {"attempts": 1_000, "first": "50ms", "longest": "50ms"}}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "w") as one:
        yield one


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 30 seconds"
        time.sleep(0.01)


def fed(workspace: Workspace) -> None:
    until(lambda: workspace.view("a").total_lag == 0)


def lines(begin: int, end: int) -> str:
    return "".join(json.dumps({"x": number}) + "\n" for number in range(begin, end))


def reading(source: dict[str, Any], **more: Any) -> dict[str, Any]:
    stream = {"source": source, "schema": {"x": "BIGINT"}}
    spec = {"name": "a", "streams": {"r": stream}, "query": "SELECT x FROM r"}
    return spec | {"start": {"at": "earliest"}} | more


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in found}


def test_a_forecast_of_a_job_that_never_ran_makes_no_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text(lines(0, 10))
    source = {"type": "files", "path": str(tmp_path / "in.jsonl")}
    job = workspace.save(reading(source))
    before = files(tmp_path)
    assert job.start(plan=True).points[0].left == f"{len(lines(0, 10))} bytes"
    assert files(tmp_path) == before


def test_a_file_that_was_rotated_while_its_job_was_paused_is_told_by_forecast_and_start(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(lines(0, 100))
    job = workspace.save(reading({"type": "files", "path": str(path)}))
    job.start()
    fed(workspace)
    job.pause()
    path.rename(tmp_path / "in.jsonl.1")
    path.write_text(lines(100, 105))
    told = {point.start: point for point in job.start(plan=True).points}
    assert "in.jsonl is not the file that was read before" in told["last commit"].trouble
    assert (told["earliest"].trouble, told["earliest"].lost) == ("", "")
    with pytest.raises(so.SourceError, match="is not the file that was read before"):
        job.start()
    assert len(job.output) == 100
    job.start(at="earliest")
    until(lambda: len(job.output) == 105)


def test_a_file_that_is_gone_before_it_was_read_to_its_end_is_told_by_forecast_and_start(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name in ("1.jsonl", "2.jsonl"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(lines(0, 100))
    source = {"type": "files", "path": str(tmp_path / "in")}
    job = workspace.save(reading(source, trigger={"rows": 10}, resources={"read_rate": 20}))
    job.start()
    until(lambda: job.view.rows_in > 0)
    job.pause()
    (tmp_path / "in" / "1.jsonl").unlink()
    assert "1.jsonl has disappeared" in job.start(plan=True).points[0].trouble
    with pytest.raises(so.SourceError, match=r"1\.jsonl has disappeared"):
        job.start()
    assert job.status is Status.FAILED


def test_a_job_does_not_catch_up_faster_than_it_may_read(workspace: Workspace) -> None:
    limits = {"resources": {"cu": 0.5, "read_rate": 100}}
    source = {"total": 2_000, "rate": 1_000_000}
    job = workspace.save(plant("a", source=source, start={"at": "earliest"}) | limits)
    job.start()
    until(lambda: job.view.rows_in > 0)
    job.pause()
    earliest = {point.start: point for point in job.start(plan=True).points}["earliest"]
    assert earliest.records == 2_000
    assert earliest.seconds is not None
    assert earliest.seconds >= 20


@pytest.mark.parametrize("declared", [True, False])
def test_a_broker_that_is_away_is_told_in_every_row(workspace: Workspace, declared: bool) -> None:
    spec = reading({"type": "kafka", "servers": "127.0.0.1:1", "topic": "t"})
    if not declared:
        spec["streams"]["r"].pop("schema")
    points = workspace.save(spec).start(plan=True).points
    assert len(points) == 3
    assert all("no broker answers" in point.trouble for point in points)


def test_a_job_waits_for_a_broker_that_is_away_when_it_is_started_or_resumed(
    tmp_path: Path,
) -> None:
    with RelayedTansu(tmp_path) as broker:
        topic = broker.topic(1)
        broker.produce(topic, 0, [b'{"x": 1}'] * 5)
        source = {"type": "kafka", "servers": broker.servers, "topic": topic}
        with opened(tmp_path / "w") as workspace:
            job = workspace.save(reading(source, errors=SHORT))
            job.start()
            until(lambda: len(job.output) == 5)
            job.pause()
            point = {p.start: p for p in job.start(plan=True).points}["earliest"]
            assert (point.left, point.again, point.records) == ("5 records", "5 records", 5)
            assert broker.groups() == []
            broker.stop()
            assert "no broker answers" in job.start(plan=True).points[0].trouble
            job.start()
            until(lambda: job.status is Status.RETRYING)
        with opened(tmp_path / "w") as workspace:
            job = workspace.job("a")
            until(lambda: job.status is Status.RETRYING)
            broker.start()
            broker.produce(topic, 0, [b'{"x": 2}'])
            until(lambda: len(job.output) == 6)
