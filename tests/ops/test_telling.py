"""The history tells everything, and its lines rebuild the workspace."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace
from streamops_nb.testing import FakeClock
from tests.ops.operated import COUNT, appended, opened, plant, until

ROW = {"ts": datetime(2026, 1, 1, tzinfo=UTC), "device": "d", "temp": 1.0}


def test_every_action_is_told_with_who_when_why_and_its_result(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        job = workspace.save(plant("a"), author="ann", comment="a first look")
        with pytest.raises(so.MoveRefused):
            job.pause(why="too early")
        job.start(at="latest", why="go")
        job.pause()
        frame = job.history()
        assert str(frame["at"].dtype) == "datetime64[ns, UTC]"
        assert frame["at"].is_monotonic_increasing
        told = frame[["action", "why", "result", "line"]].to_numpy().tolist()
    saved, refused, started, *engine, paused, pausing, ended = told
    assert saved[:3] == ["save version 1", "a first look", "done"]
    assert saved[3].startswith("ws.save(so.Job(")
    assert refused == [
        "pause", "too early",
        "no pause while it is PUBLISHED - allowed now: start", "ws.pause('a')",
    ]  # fmt: skip
    assert started == ["start", "go", "done", "ws.start('a', at='latest')"]
    assert [row[0] for row in engine] == ["PUBLISHED → STARTING", "STARTING → RUNNING"]
    assert paused == ["pause", "", "done", "ws.pause('a')"]
    assert [pausing[0], ended[0]] == ["RUNNING → PAUSING", "PAUSING → PAUSED"]
    assert set(frame["who"][3:5]) == {"engine"}


def replayed(history: pd.DataFrame, ws: Workspace) -> None:
    """Run the lines of a history, as a user would paste them."""
    for line in history.loc[(history["result"] == "done") & (history["line"] != ""), "line"]:
        exec(line, {"ws": ws, "so": so})


def told(ws: Workspace) -> dict[str, Any]:
    """Status, newest specification and number of versions of every job."""
    return {name: (job.status, job.spec, len(job.versions())) for name, job in ws.jobs.items()}


def test_the_lines_rebuild_specs_versions_and_statuses_on_an_empty_workspace(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    with opened(tmp_path / "one", clock) as ws:
        ws.stream("log").append([ROW])
        for name in ("paused", "expired", "running", "reset", "unborn"):
            ws.save(appended(name), author="ann", comment=f"it's {name}")
        ws.save(plant("rolled", cu=0.3))
        ws.save(plant("rolled", cu=0.4))
        ws.job("rolled").roll_back(1)
        ws.resources.request(1.5)
        ws.start(["paused", "expired", "running", "reset"], at="earliest")
        with pytest.raises(so.MoveRefused):
            ws.start("running")
        until(lambda: ws.view("reset").batches)
        ws.pause(["paused", "expired", "reset"])
        ws.reset("reset", at="2026-01-01T00:00:00Z", drop_state=True)
        query = COUNT.replace("10 SECONDS", "20 SECONDS")
        ws.save(appended("reset", query=query), drop_state=True)
        ws.start("paused")
        ws.start("rolled")
        ws.stop("rolled")
        clock.advance(23 * 3600)
        ws.start("reset")
        ws.pause("paused")
        clock.advance(2 * 3600)
        ws._keeper.look()
        history = ws.history()
        expected = {
            name: (job.status, job.spec, len(job.versions())) for name, job in ws.jobs.items()
        }
        allocated = ws.resources.status().allocated
    assert expected["expired"][0] is Status.STOPPED
    assert expected["paused"][0] is Status.PAUSED
    with so.connect(tmp_path / "two", memory="512MB") as ws:
        ws.stream("log").append([ROW])
        replayed(history, ws)
        assert told(ws) == expected
        assert ws.resources.status().allocated == allocated


def test_the_history_of_some_jobs_is_theirs_alone(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        for name in ("a", "b", "c"):
            workspace.save(plant(name))
        assert list(workspace.history(["a", "c"])["job"]) == ["a", "c"]
        assert list(workspace.history()["job"]) == ["", "a", "b", "c"]
        with pytest.raises(so.Refused, match="did you mean"):
            workspace.history("aa")
