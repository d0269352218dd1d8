"""A forecast says what a start would mean, and nothing happens."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import streamops_nb as so
from streamops_nb.db import ident
from streamops_nb.model.lifecycle import Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops import retaining
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import appended, opened, plant, until

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "w") as one:
        yield one


def rows(begin: int, end: int) -> list[dict[str, object]]:
    return [
        {"ts": START + timedelta(seconds=second), "device": "d", "temp": 1.0}
        for second in range(begin, end)
    ]


def fed(workspace: Workspace, name: str = "a") -> None:
    until(lambda: workspace.view(name).total_lag == 0)


def read_simulated(workspace: Workspace, count: int) -> None:
    until(lambda: workspace.view("a").rows_in >= count)


def test_a_paused_job_is_told_of_every_point_it_could_start_at(workspace: Workspace) -> None:
    source = {"total": 5_000, "rate": 1_000_000}
    slowly = {"resources": {"cu": 0.5, "read_rate": 900}}
    job = workspace.save(plant("a", source=source, start={"at": "earliest"}) | slowly)
    first = job.start(plan=True)
    assert list(first.df["start"]) == ["as specified: earliest", "latest", "earliest"]
    assert list(first.df["records"]) == [5_000, 0, 5_000]
    assert first.df["seconds"].isna().all()
    assert (first.verdict.allowed, first.verdict.cu) == (True, 0.5)
    job.start()
    read_simulated(workspace, 900)
    job.pause()
    done = job.view.rows_in
    told = job.start(plan=True)
    frame = told.df.set_index("start")
    assert list(frame.index) == ["last commit", "latest", "earliest"]
    assert list(frame["records"]) == [5_000 - done, 0, 5_000]
    assert list(frame["left"]) == [f"{5_000 - done:,} records", "", "5,000 records"]
    assert list(frame["again"]) == ["", "", f"{done:,} records"]
    assert list(frame["lost"]) == ["", "", ""]
    assert frame.loc["last commit", "seconds"] > 0
    assert "start a (PAUSED): allowed; " in repr(told)
    assert "<table" in told._repr_html_()


def test_a_forecast_changes_nothing(workspace: Workspace) -> None:
    workspace.stream("log").append(rows(0, 25))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    job.pause()
    workspace._core.courier.deliver()

    def everything() -> list[object]:
        workspace._core.read("CHECKPOINT catalog")
        database = ident("job_a")
        return [
            workspace.events("a"),
            *(workspace.read(f"FROM {database}.{t}").to_pylist() for t in ("about", "batches")),
            hashlib.sha256((workspace.folder / "catalog.db").read_bytes()).hexdigest(),
        ]

    before = everything()
    frame = job.start(plan=True, at=START + timedelta(seconds=15)).df.set_index("start")
    assert everything() == before
    assert list(frame.index[:3]) == ["last commit", "latest", "earliest"]
    assert frame.loc["last commit", "state_rows"] > 0
    assert frame.loc["earliest", "state_rows"] == 0
    assert frame.iloc[3]["cut"] == START + timedelta(seconds=15)
    assert job.status is Status.PAUSED


def test_a_stopped_job_goes_on_at_its_stop_point_or_where_it_was_reset_to(
    workspace: Workspace,
) -> None:
    workspace.stream("log").append(rows(0, 25))
    job = workspace.save(appended("a", start={"at": "earliest"}))
    job.start()
    fed(workspace)
    job.stop()
    workspace.stream("log").append(rows(25, 35))
    told = job.start(plan=True).points[0]
    assert (told.start, told.left, told.again) == ("stop point", "1 batch", "")
    job.reset(at="earliest")
    told = job.start(plan=True).points[0]
    assert (told.start, told.left, told.again) == ("reset to earliest", "2 batches", "1 batch")
    assert told.records == 50  # an estimate: the one batch that was read had 25


def test_bytes_are_told_as_bytes_and_estimated_as_records(
    workspace: Workspace, tmp_path: Path
) -> None:
    lines = [json.dumps({"x": number}).encode() + b"\n" for number in range(1_000)]
    (tmp_path / "in.jsonl").write_bytes(b"".join(lines))
    stream = {
        "source": {"type": "files", "path": str(tmp_path / "in.jsonl"), "follow": True},
        "schema": {"x": "BIGINT"},
    }
    spec = {"name": "a", "streams": {"r": stream}, "query": "SELECT x FROM r"}
    job = workspace.save(spec | {"start": {"at": "earliest"}})
    first = job.start(plan=True).points[0]
    assert (first.records, first.left) == (None, f"{sum(map(len, lines)):,} bytes")
    job.start()
    fed(workspace)
    job.pause()
    again = {p.start: p for p in job.start(plan=True).points}
    assert (again["last commit"].records, again["last commit"].left) == (0, "")
    assert again["earliest"].records == pytest.approx(1_000, rel=0.05)


def test_positions_cut_windows_off_only_if_something_lies_before_them(
    workspace: Workspace,
) -> None:
    workspace.stream("log").append(rows(0, 5))
    workspace.stream("log").append(rows(5, 10))
    job = workspace.save(appended("a"))
    cuts = [
        job.start(plan=True, at={"positions": {"r": {"0": offset}}}).points[-1].cut
        for offset in (1, 2)
    ]
    assert cuts == [None, START + timedelta(seconds=5, microseconds=1)]


def test_a_refusal_and_a_rubbish_point_are_told(workspace: Workspace) -> None:
    job = workspace.save(plant("a", cu=50))
    told = job.start(plan=True)
    assert not told.verdict.allowed
    assert "50 CU are needed" in repr(told)
    with pytest.raises(so.SpecRefused, match="not a start point"):
        job.start(plan=True, at="rubbish")


def test_a_position_that_is_no_longer_retained_is_told_before_anything_is_lost(
    workspace: Workspace,
) -> None:
    log = workspace.stream("log")
    upstream = appended("up", query="SELECT * FROM r", start={"at": "earliest"})
    workspace.save(upstream)
    stream = {
        "source": {"type": "job", "job": "up"},
        "schema": {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"},
    }
    spec = {"name": "a", "streams": {"r": stream}, "query": "SELECT * FROM r"}
    job = workspace.save(spec | {"start": {"at": "earliest"}})
    log.append(rows(0, 5))
    workspace.start("up")
    fed(workspace, "up")
    job.start()
    fed(workspace)
    job.pause()
    for begin in (5, 10, 15):
        log.append(rows(begin, begin + 5))
        until(lambda end=begin + 5: len(workspace.job("up").output) >= end)
    workspace.pause("up")
    # as the table sink's retention leaves it
    table = workspace.output("up")
    marks = table.replace("output", "output_marks")
    last = workspace.read(f"SELECT max(_batch) AS n FROM {table}")["n"][0].as_py()
    workspace.read(f"DELETE FROM {table} WHERE _batch < {last}")
    workspace.read(f"INSERT INTO {marks} VALUES ({last - 1}, now(), true)")
    told = job.start(plan=True).points
    assert (told[0].start, told[0].lost) == ("last commit", "2 batches")
    # the plan for several says so, and none of them is started
    plan = workspace.start(["a", "up"], plan=True)
    assert [(v.allowed, v.retained) for v in plan.verdicts] == [(False, "no"), (True, "yes")]
    assert "2 batches of r 0 are gone" in plan.verdicts[0].why
    with pytest.raises(so.MoveRefused, match="2 batches of r 0 are gone"):
        workspace.start(["a", "up"])
    assert (job.status, workspace.job("up").status) == (Status.PAUSED, Status.PAUSED)
    with pytest.raises(so.SourceError, match=r"no longer retains .* of r .* are gone"):
        job.start()
    assert job.status is Status.FAILED
    before = len(job.output)
    job.start(at="earliest")
    until(lambda: len(job.output) >= before + 5)
    assert job.status is Status.RUNNING


def test_a_source_that_does_not_answer_leaves_open_what_it_retains(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = workspace.stream("log")
    for name in ("a", "b"):
        workspace.save(appended(name, start={"at": "earliest"}))
    log.append(rows(0, 5))
    workspace.start(["a", "b"])
    for name in ("a", "b"):
        fed(workspace, name)
    workspace.pause(["a", "b"])
    asked = threading.Event()
    answer = retaining.missing

    def silent(spec: JobSpec, *given: Any) -> str:
        if spec.name == "a":
            asked.wait()
        return answer(spec, *given)

    monkeypatch.setattr(retaining, "missing", silent)
    monkeypatch.setattr(retaining, "_PATIENCE", 0.5)
    plan = workspace.start(["a", "b"], plan=True)
    asked.set()
    assert list(plan.df["allowed"]) == [True, True]
    assert plan.df["retained"][0] == "not known: its sources did not answer within 0.5 s"
