"""What a process does that is to be killed: it owns a workspace and runs its jobs to their ends."""

from __future__ import annotations

import json
import time
import traceback
from pathlib import Path

from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace, connect

GOING = {Status.STARTING, Status.RUNNING, Status.RETRYING}


def live(folder: Path) -> None:
    """Run the jobs of a folder; what goes wrong is told in the file ``error``.

    Parameters
    ----------
    folder
        Has ``jobs.json``: per job its specification and, where its input has no end, how many
        rows its output will have.
    """
    try:
        _live(folder)
    except BaseException:
        (folder / "error").write_text(traceback.format_exc())
        raise


def _live(folder: Path) -> None:
    jobs = json.loads((folder / "jobs.json").read_text())
    with connect(folder / "ws", memory="512MB") as workspace:
        workspace.resources.ensure()
        for job in jobs:
            name = job["spec"]["name"]
            if name not in workspace.jobs:
                workspace.save(job["spec"])
            if workspace.job(name).status is Status.PUBLISHED:
                workspace.start(name)
        while not all(_over(workspace, job["spec"]["name"], job["rows"]) for job in jobs):
            time.sleep(0.05)


def _over(workspace: Workspace, name: str, rows: int | None) -> bool:
    """Whether a job has finished; one without an end has when all its rows are there."""
    status = workspace.view(name).status
    if status not in GOING | {Status.FINISHED}:
        raise SystemExit(f"{name} is {status}: {workspace.state(name).reason}")
    if rows is None:
        return status is Status.FINISHED
    events = workspace.events(name)
    return sum(e.rows_out for e in events if isinstance(e, BatchCommitted)) >= rows
