"""Opening a workspace for jobs that are run from a shell, and the picture of one job."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.workspace import Workspace, connect
from streamops_nb.shell.board import board, rows_table, troubles
from streamops_nb.shell.results import newest_output
from streamops_nb.shell.totals import Counts, earlier_runs, total
from streamops_nb.shell.wording import count

__all__ = ["JobScreen", "ensure_running", "open_with"]


def open_with(folder: Path, specs: Iterable[JobSpec], comment: str = "") -> Workspace:
    """Save the specifications that are new or changed, then open the workspace.

    Jobs that were wanted running go on when it is opened, by what has just been saved.
    """
    with connect(folder, resume=False) as workspace:
        known = workspace.jobs
        for spec in specs:
            if spec.name not in known or known[spec.name].spec != spec:
                workspace.save(spec, comment=comment)
    return connect(folder)


def ensure_running(workspace: Workspace, name: str, at: Any = None) -> bool:
    """Start a job, or let it go on; tell whether it goes on from an earlier commit.

    Parameters
    ----------
    at
        Where to start from; given, window state that was kept is dropped.
    """
    job = workspace.job(name)
    known = job.status is not Status.PUBLISHED
    if at is not None and job.status in (Status.RUNNING, Status.RETRYING):
        job.pause()
    if at is not None or job.status not in ACTIVE:
        job.start(at=at)
    return known and at is None


class JobScreen:
    """What is shown of one job while it runs.

    Parameters
    ----------
    rows
        How many of its newest output rows are shown below it.
    """

    def __init__(self, workspace: Workspace, name: str, rows: int = 0) -> None:
        self._workspace = workspace
        self._name = name
        self._rows = rows
        self._before: dict[str, Counts] = earlier_runs(workspace)

    @property
    def goes_on(self) -> bool:
        """Whether the job's run has not ended."""
        return self._workspace.view(self._name).status in ACTIVE

    def picture(self) -> RenderableType:
        """Draw it as it stands now."""
        view = self._workspace.view(self._name)
        parts: list[RenderableType] = [board([view], self._before, time.time())]
        parts += troubles([view])
        return Group(*parts, *self._newest())

    def _newest(self) -> list[RenderableType]:
        if not self._rows:
            return []
        rows, columns = newest_output(self._workspace, self._name, self._rows)
        return [Text(), rows_table(rows, columns)]

    def conclusion(self) -> str:
        """Say in one line where the job stands."""
        view = self._workspace.view(self._name)
        counts = total(view, self._before)
        said = (
            f"{view.job}: {view.status.value}, batch {view.batch}, "
            f"{count(counts.rows_in)} rows in, {count(counts.rows_out)} out"
        )
        for number, what in ((counts.rejects, "rejects"), (counts.late, "late")):
            said += f", {count(number)} {what}" if number else ""
        return said

    def show_rows(self, console: Console) -> None:
        """Print the newest rows, if any were asked for."""
        for part in self._newest():
            console.print(part)
