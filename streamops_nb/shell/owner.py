"""Owning a workspace in a terminal: its jobs run until somebody wants an end."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from streamops_nb.connecting import own
from streamops_nb.model.errors import Refused
from streamops_nb.model.lifecycle import Status
from streamops_nb.ops.machine import bound_memory
from streamops_nb.ops.workspace import Workspace
from streamops_nb.shell.board import board, troubles
from streamops_nb.shell.foreground import Ending, draw

__all__ = ["run_workspace"]


def run_workspace(folder: Path, console: Console, *, seconds: float | None = None) -> int:
    """Run the jobs of a workspace that are wanted running; return the exit code.

    Parameters
    ----------
    seconds
        How long; None until somebody wants an end.
    """
    if not (folder / "catalog.db").is_file():
        raise Refused(f"{folder} is no workspace - `streamops import` makes one")
    bound_memory()
    with Ending() as ending, own(folder) as workspace:
        for name, status in workspace.found.items():
            stood = f"was {status} when its owner ended"
            was = "was interrupted, or to start" if status is Status.STARTING else stood
            console.print(f"{name}: {was}, is {workspace.view(name).status}", markup=False)
        console.print(f"{workspace.resources}")
        over = time.monotonic() + (float("inf") if seconds is None else seconds)

        def picture() -> RenderableType:
            return _picture(workspace, console)

        draw(picture, console, ending, lambda: time.monotonic() < over)
        console.print("Ending: the batches in flight commit; Ctrl-C again ends at once.")
    console.print("What ran goes on when a process next owns the workspace.")
    return 0


def _picture(workspace: Workspace, console: Console) -> RenderableType:
    views = workspace.views()
    parts: list[RenderableType] = [board(views, time.time())]
    parts += troubles(views, console.width)[:5]
    return Group(*parts, Text(f"Workspace {workspace.folder}. Ctrl-C ends. Times: UTC.", "dim"))
