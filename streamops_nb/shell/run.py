"""Running one job in the foreground."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from streamops_nb.connecting import own
from streamops_nb.model.errors import Refused, StreamopsError
from streamops_nb.model.lifecycle import ACTIVE, Status
from streamops_nb.model.silence import FROM_NOW_ON, silence, unfilled
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import number_of
from streamops_nb.ops.summary import lacking_files
from streamops_nb.ops.workspace import Workspace
from streamops_nb.shell.arguments import named_values, with_params, with_start
from streamops_nb.shell.board import board, rows_table, troubles
from streamops_nb.shell.checking import endless_streams, load_spec, plan_of
from streamops_nb.shell.foreground import Ending, draw
from streamops_nb.shell.results import newest_output
from streamops_nb.shell.wording import cell

__all__ = ["run_job"]


_EARLIEST = " (with --from earliest also what is there already)"
_AGAIN = " - --from earliest reads them again"


def run_job(
    path: Path,
    folder: Path | None,
    console: Console,
    *,
    until_end: bool = False,
    at: str | None = None,
    params: Sequence[str] = (),
    rows: int = 0,
) -> int:
    """Run a job until it ends or somebody wants an end; return the exit code.

    Parameters
    ----------
    path
        Its specification.
    folder
        The workspace; None for ``<name>.streamops`` beside the specification.
    until_end
        Refuse a job whose streams never end.
    at
        The start point as text; None goes on from the last commit.
    params
        Values for parameters, ``name=value`` each.
    rows
        So many of the newest output rows are shown.
    """
    job = with_params(load_spec(path), named_values(params))
    start = None if at is None else with_start(job, at).start.at
    folder = folder or path.parent / f"{job.name}.streamops"
    plan_of(path, job, folder)
    if until_end:
        _refuse_endless(job, folder)
    from_now_on = _from_now_on(job, folder) if start is None else []
    with Ending() as ending:
        with _opened(folder, job) as workspace:
            if start is not None and (said := _again(workspace, job)):
                console.print(said, markup=False)
            goes_on = _ensure_running(workspace, job.name, start)
            console.print(f"{'Going on with' if goes_on else 'Starting'} {job.name} in {folder}")
            if from_now_on and not goes_on:
                console.print(
                    f"Of {', '.join(from_now_on)} it reads only what comes from now on; "
                    "with --from earliest also what is there already."
                )
            screen = _Screen(
                workspace,
                job.name,
                rows,
                "The same command goes" if at is None else "Without --from it goes",
            )
            draw(screen.picture, console, ending, lambda: screen.goes_on)
            if ending.wanted:
                console.print("Ending: the batch in flight commits; Ctrl-C again ends at once.")
        console.print(screen.conclusion(ending.wanted), highlight=False)
    return 1 if workspace.view(job.name).status is Status.FAILED else 0


def _refuse_endless(job: JobSpec, folder: Path) -> None:
    endless = endless_streams(job, folder)
    if endless:
        raise Refused(
            f"--until-end: the stream {endless[0]} never ends - write `follow: false` for files, "
            "`total: …` for the simulator, `loop: false` for a replay, or leave --until-end out"
        )


def _from_now_on(job: JobSpec, folder: Path) -> list[str]:
    """Name the streams of which a first start reads nothing that is there already."""
    if job.start.at is not None:
        return []
    with suppress(StreamopsError):  # what a source lacks the run tells
        return endless_streams(job, folder)
    return []


def _opened(folder: Path, spec: JobSpec) -> Workspace:
    """Open a workspace without going on with its jobs, and save the job if it is new or changed."""
    workspace = own(folder, resume=False)
    workspace.save(spec, comment="streamops run")
    workspace.resources.ensure()
    return workspace


def _ensure_running(workspace: Workspace, name: str, at: Any) -> bool:
    """Start a job, or let it go on; tell whether it goes on from an earlier commit.

    Given a start point, window state that was kept is dropped.
    """
    job = workspace.job(name)
    known = job.status is not Status.PUBLISHED
    if at is None:
        workspace.resume(name)
    elif job.status in ACTIVE:
        job.pause()  # a run that was interrupted cannot be started elsewhere before it stands
    if job.status not in ACTIVE:
        job.start(at=at)
    return known and at is None


def _again(workspace: Workspace, spec: JobSpec) -> str:
    """Say what becomes of rows that are there if records are read anew; empty if there are none."""
    job = workspace.job(spec.name)
    if spec.sink.type != "table" or not job.view.run or not (rows := job.output.count):
        return ""
    more = "what comes out now is added; with a `key` below `sink` it would replace older rows"
    if spec.sink.settings.get("key"):
        more = "those are replaced whose key comes out again, the others stay"
    empty = f"to begin with none: `streamops delete {workspace.folder} {spec.name}`"
    return f"The output has {number_of(rows)} already: {more} ({empty})."


class _Screen:
    """What is shown of one job while it runs."""

    def __init__(self, workspace: Workspace, name: str, rows: int, again: str) -> None:
        self._workspace = workspace
        self._name = name
        self._rows = rows
        self._again = again

    @property
    def goes_on(self) -> bool:
        return self._workspace.view(self._name).status in ACTIVE

    def picture(self) -> RenderableType:
        """Draw the job as it stands now, why nothing comes out, the newest rows if asked for."""
        view = self._workspace.view(self._name)
        parts: list[RenderableType] = [board([view], time.time())]
        parts += troubles([view])
        said = silence(view, time.time())
        if said and not view.rows_in:
            ended = view.status is Status.FINISHED and view.earlier.rows_in
            said += _AGAIN if ended else _EARLIEST if FROM_NOW_ON in said else ""
            said = "; ".join([said, *self._lacking_files()])
        for one in (said, *unfilled(view)):
            if one:
                parts.append(Text(f"{view.job}: {cell(one, width=240)}", style="dim"))
        if self._rows:
            rows, columns = newest_output(self._workspace, self._name, self._rows)
            parts += [Text(), rows_table(rows, columns)]
        return Group(*parts)

    def _lacking_files(self) -> list[str]:
        workspace = self._workspace
        return lacking_files(workspace.spec(self._name), workspace.folder)

    def conclusion(self, interrupted: bool) -> str:
        """Say in one line where the job stands."""
        view = self._workspace.view(self._name)
        counts = view.in_all
        status = "interrupted" if interrupted and view.status in ACTIVE else view.status.value
        numbers = (
            (counts.batches, "batch", ""),
            (counts.rows_in, "row", " in"),
            (counts.rows_out, "row", " out"),
            (counts.rejects, "reject", ""),
            (counts.late, "late row", ""),
        )
        said = ", ".join(f"{number_of(n, what)}{way}" for n, what, way in numbers if n)
        more = f" {self._again} on from there." if status == "interrupted" else ""
        told = f"{view.job}: {status} after {said or 'nothing'}.{more}"
        return f"{told}\n{view.reason}" if view.status is Status.FAILED else told
