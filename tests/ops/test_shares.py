"""Shares are enforced, not only booked, and so is a read rate."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from streamops_nb.ops.workspace import Workspace
from streamops_nb.testing import FakeClock
from tests.ops.operated import opened, plant, until

_ROWS = 5_000
"""Records in a batch."""


def read(workspace: Workspace, name: str) -> int:
    """Records that a job has committed so far."""
    return workspace.view(name).rows_in


def until_read(workspace: Workspace, name: str, count: int) -> None:
    """Wait for a job's records."""
    until(lambda: read(workspace, name) >= count, seconds=150)


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
                    trigger={"rows": _ROWS},
                )
            )
        workspace.start(["small", "large"])
        for name in ("small", "large"):
            until_read(workspace, name, 10 * _ROWS)
        before = {name: read(workspace, name) for name in workspace.jobs}
        until_read(workspace, "large", before["large"] + 400 * _ROWS)
        small, large = (read(workspace, name) - before[name] for name in ("small", "large"))
        assert large / small == pytest.approx(3, rel=0.15)
        assert workspace.resources.status().booking.shares() == {"small": 1.0, "large": 3.0}


def test_a_job_reads_no_faster_than_its_read_rate(tmp_path: Path) -> None:
    clock = FakeClock(1_760_000_000.0)
    with opened(tmp_path / "w", clock) as workspace:
        spec = plant("a", source={"rate": 1_000_000}, start={"at": "earliest"})
        spec["resources"] = {"cu": 0.1, "read_rate": 1_000}
        job = workspace.save({**spec, "trigger": {"interval": "1ms"}})
        clock.advance(60)  # so that there is enough to read
        job.start()
        for seconds in range(1, 6):
            clock.advance(1)
            until_read(workspace, "a", seconds * 1_000)
            time.sleep(0.05)  # fifty times its interval
            assert read(workspace, "a") == seconds * 1_000
