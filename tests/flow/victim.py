"""A process that owns a workspace, to be killed: it runs all jobs of a folder to their ends.

``python victim.py FOLDER`` reads ``FOLDER/jobs.json``: per job its specification and, where its
input has no end, how many rows its output will have. It says ``opening`` before it opens the
workspace and ``done`` after it has closed it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from streamops_nb.model.events import BatchCommitted
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.workspace import Workspace, connect

GOING = {Status.STARTING, Status.RUNNING, Status.RETRYING}


def main(folder: Path) -> None:
    jobs = json.loads((folder / "jobs.json").read_text())
    say("opening")
    with connect(folder / "ws", memory="512MB") as workspace:
        workspace.resources.ensure()
        for job in jobs:
            name = job["spec"]["name"]
            if name not in workspace.jobs:
                workspace.save(job["spec"])
            if workspace.job(name).status is Status.PUBLISHED:
                workspace.start(name)
        while not all(over(workspace, job["spec"]["name"], job["rows"]) for job in jobs):
            time.sleep(0.05)
    say("done")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def over(workspace: Workspace, name: str, rows: int | None) -> bool:
    """Whether a job has finished; one without an end has when all its rows are there."""
    status = workspace.view(name).status
    if status not in GOING | {Status.FINISHED}:
        raise SystemExit(f"{name} is {status}: {workspace.state(name).reason}")
    if rows is None:
        return status is Status.FINISHED
    events = workspace.events(name)
    return sum(e.rows_out for e in events if isinstance(e, BatchCommitted)) >= rows


if __name__ == "__main__":
    main(Path(sys.argv[1]))
