"""A process is killed in every status that passes; the next owner finds what is true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import streamops_nb as so
from streamops_nb.model.lifecycle import ACTIVE, AFTER_DEATH, Status
from tests.ops.operated import appended, opened, until
from tests.ops.test_upkeep import rows

ROOT = Path(__file__).parents[2]


def killed_at(folder: Path, status: Status) -> None:
    """Make a workspace whose owner was killed while its job stood at a status."""
    with opened(folder) as workspace:
        workspace.stream("log").append(rows(0, 25))
        workspace.save(appended("a", start={"at": "earliest"}))
    command = [sys.executable, "-m", "tests.ops.transient", str(folder), status]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == f"{status}\n"
        victim.kill()
    assert victim.returncode == -9


@pytest.mark.parametrize("status", sorted(ACTIVE))
def test_a_job_whose_owner_was_killed_is_where_the_table_says_and_loses_nothing(
    tmp_path: Path, status: Status
) -> None:
    killed_at(tmp_path / "w", status)
    with so.connect(tmp_path / "w", memory="512MB", resume=False) as workspace:
        job = workspace.job("a")
        assert workspace.found == {"a": status}
        # what a stop clears is cleared by now
        after = Status.STOPPED if status is Status.STOPPING else AFTER_DEATH[status]
        wanted = {Status.PAUSING: Status.PAUSED, Status.STOPPING: Status.STOPPED}
        state = workspace.state("a")
        assert (state.observed, state.desired) == (after, wanted.get(status, Status.RUNNING))
        if after is not Status.STOPPED:  # where it was stopped, that was asked for
            assert state.reason == f"the engine ended while the job was {status}"
        ended = f"the engine ended while the job was {status}"
        run = job.runs().iloc[0]  # it ended with its process, or with the stop that was asked for
        assert (run["run"], run["reason"]) == (1, "" if status is Status.STOPPING else ended)
        assert job.view.ended_at is not None
        assert job.history()["why"].tolist().count(ended) == 1
        holds = {"a": 0.1} if after is Status.STARTING else {}
        assert workspace.resources.status().booking.held == holds
        assert (job.view.state_rows > 0) is (status not in (Status.STARTING, Status.STOPPING))
    with so.connect(tmp_path / "w", memory="512MB") as workspace:
        job = workspace.job("a")
        if after is Status.STARTING:
            assert job.status is Status.RUNNING  # it was wanted, and goes on by itself
        else:
            assert job.status is after
            job.start()
        read = 25 if status in (Status.STARTING, Status.RUNNING) else 30
        workspace.stream("log").append(rows(read, 61))
        # a stop drops the window that it cut off, and nothing else loses or doubles one
        complete = 5 if status is Status.STOPPING else 6
        until(lambda: len(job.output) >= complete)
        job.pause()
        assert job.output.df()["n"].tolist() == [10] * complete
        assert job.status is Status.PAUSED
