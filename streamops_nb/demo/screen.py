"""The demo on a terminal: the board of its jobs, and what they have just written."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from streamops_nb.demo.build import Demo, open_demo
from streamops_nb.shell.board import board, rows_table, troubles
from streamops_nb.shell.foreground import Ending, draw
from streamops_nb.shell.results import newest_output
from streamops_nb.shell.serving import ShowPage

__all__ = ["run_demo"]

_TURN = 6.0
"""Seconds for which one job's newest rows are shown."""
_ROWS = 5
_HEIGHT = 24
"""Lines that the whole picture needs; with fewer the newest rows are left out."""


def run_demo(
    folder: Path,
    console: Console,
    *,
    speed: float | None = None,
    seconds: float | None = None,
    page: ShowPage | None = None,
) -> int:
    """Run the demo until somebody wants an end or its time is over; return the exit code.

    Parameters
    ----------
    folder
        Its workspace, built if it is not there.
    speed
        Recorded seconds per second; None as before.
    seconds
        How long to run; None without end.
    page
        Shows the page of its workspace.
    """
    with Ending() as ending, ExitStack() as shown:
        first = "" if folder.exists() else " (the first time takes half a minute)"
        console.print(f"Opening {folder}{first} ...")
        demo = open_demo(folder, speed)
        with demo.workspace:
            if demo.resumed:
                console.print(f"{demo.resumed} jobs go on from their last commit.")
            address = ""
            if page is not None:
                address, end = page(demo.workspace, None)
                shown.callback(end)
                console.print(f"The Stream Operation page is at {address}", markup=False)
            over = time.monotonic() + (float("inf") if seconds is None else seconds)
            screen = _Screen(demo, folder, console, address)
            draw(screen.picture, console, ending, lambda: time.monotonic() < over)
            console.print("Ending: the batches in flight commit; Ctrl-C again ends at once.")
    # `make demo` runs it from a virtual environment that is not active
    command = "streamops" if shutil.which("streamops") else sys.argv[0]
    console.print(
        "All jobs stand at their last commit; run again, they go on from there. To look at them:\n"
        f"  {command} jobs {folder}\n"
        f"  {command} output {folder} delays_by_hour\n"
        f"  {command} rejects {folder} line_quality"
    )
    return 0


class _Screen:
    def __init__(self, demo: Demo, folder: Path, console: Console, address: str) -> None:
        self._demo = demo
        self._folder = folder
        self._console = console
        self._address = address
        self._begun = time.monotonic()

    def picture(self) -> RenderableType:
        """Draw all jobs as they stand now, the newest rows of one, and what it all is."""
        now = time.time()
        views = self._demo.workspace.views()
        stands = self._demo.stands_at(now)
        title = Text.assemble(
            ("streamops demo", "bold"),
            f"   recordings at {stands:%a %d %b %Y %H:%M}, {self._demo.speed:g} times as fast",
        )
        parts: list[RenderableType] = [title, Text(), board(views, now)]
        parts += troubles(views, self._console.width)[:3]
        if not self._console.is_terminal or self._console.height >= _HEIGHT:
            parts += self._newest()
        page = f"Page {self._address}. " if self._address else ""
        where = (
            f"{page}Workspace {self._folder.resolve()}. Ctrl-C ends; run again, it goes on. "
            "Times: UTC."
        )
        return Group(*parts, Text(), Text(where, style="dim"))

    def _newest(self) -> list[RenderableType]:
        """Draw the newest rows of one job after the other, of those that have written any."""
        views = [view for view in self._demo.workspace.views() if view.rows_out]
        if not views:
            return []
        turn = int((time.monotonic() - self._begun) / _TURN)
        job = views[turn % len(views)].job
        rows, columns = newest_output(self._demo.workspace, job, _ROWS)
        return [Text(), Text(f"newest rows of {job}", style="bold"), rows_table(rows, columns)]
