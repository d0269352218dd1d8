"""Shares are enforced, not only booked, and so is a read rate."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened, plant

_SECONDS = 6.0


def read(workspace: Workspace, name: str) -> int:
    """Records that a job has committed so far."""
    return workspace.view(name).rows_in


def test_saturated_jobs_progress_as_their_cu_say(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        workspace.resources.request(4)
        for name, cu in (("small", 1), ("large", 3)):
            workspace.save(
                plant(
                    name,
                    cu=cu,
                    source={"rate": 1_000_000, "late": 0, "broken": 0, "silent": 0},
                    query="SELECT device, temp FROM r WHERE temp > 1000",
                    start={"at": "earliest"},
                    trigger={"rows": 5_000},
                )
            )
        workspace.start(["small", "large"])
        while not (read(workspace, "small") and read(workspace, "large")):
            time.sleep(0.01)
        before = {name: read(workspace, name) for name in workspace.jobs}
        time.sleep(_SECONDS)
        small, large = (read(workspace, name) - before[name] for name in ("small", "large"))
        assert large / small == pytest.approx(3, rel=0.15)
        assert workspace.resources.status().booking.shares() == {"small": 1.0, "large": 3.0}


def test_a_job_reads_no_faster_than_its_read_rate(tmp_path: Path) -> None:
    with opened(tmp_path / "w") as workspace:
        spec = plant("a", source={"rate": 1_000_000}, start={"at": "earliest"})
        spec["resources"] = {"cu": 0.1, "read_rate": 1_000}
        job = workspace.save({**spec, "trigger": {"interval": "200ms"}})
        job.start()
        while not job.view.batches:
            time.sleep(0.01)
        begun, before = time.monotonic(), job.view.rows_in
        time.sleep(4)
        rate = (job.view.rows_in - before) / (time.monotonic() - begun)
        assert rate == pytest.approx(1_000, rel=0.1)
