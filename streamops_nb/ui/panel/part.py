"""A part of the page alone: in a cell of a notebook, or in a layout of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn

from streamops_nb.ui import bridge
from streamops_nb.ui.panel.cell import Cell
from streamops_nb.ui.panel.dialogs import Asking, held_back
from streamops_nb.ui.panel.errors import ErrorsTab
from streamops_nb.ui.panel.joblist import JobList
from streamops_nb.ui.panel.look import column
from streamops_nb.ui.panel.notices import NoticeArea
from streamops_nb.ui.panel.output import OutputTab
from streamops_nb.ui.panel.place import closes
from streamops_nb.ui.panel.preview import PreviewTab
from streamops_nb.ui.panel.resources import ResourcesBar
from streamops_nb.ui.panel.summary import SummaryTab
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.picture import Picture
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["Part", "errors", "jobs", "output", "preview", "resources", "summary"]


class Part(pn.viewable.Viewer):
    """One part of the page of a workspace, with what is asked and told of it.

    Parameters
    ----------
    make
        Makes the part for a desk; a part that has `refresh` follows the workspace.
    """

    def __init__(self, workspace: Any, make: Callable[[Desk], Any]) -> None:
        super().__init__()
        self._screen = bridge.here(self._see, self._failed)
        self.desk = desk = Desk(workspace, self._screen)
        self._asking, self._notices = Asking(desk), NoticeArea(desk)
        self._part: Any = make(desk)
        dialogs = [part.dialog for part in (self._asking, self._part) if hasattr(part, "dialog")]
        self._watch = bridge.watch(workspace)
        self._layout = Cell(
            column(self._part, self._notices),
            held_back(*dialogs),
            screen=self._screen,
            watch=self._watch,
        )
        self._watch.join(self._screen, made=True)
        closes(self.close)

    def __panel__(self) -> Any:
        return self._layout

    def _see(self, picture: Picture) -> None:
        self.desk.see(picture)
        self._part.refresh()

    def _failed(self, error: Exception) -> None:
        self.desk.notices.tell_error(error, "It could not be refreshed")

    def close(self) -> None:
        """Let go of all that it holds."""
        self._watch.leave(self._screen)
        self._screen.close()
        for part in (self._part, self._asking, self._notices):
            if hasattr(part, "forget"):
                part.forget()


def jobs(workspace: Any) -> Part:
    """Show the list of jobs, with buttons to start, pause and stop them."""

    def make(desk: Desk) -> JobList:
        def act(verb: str, job: str) -> None:
            if verb == "export":
                desk.export(job)
            else:
                desk.ask(Wish(verb=Verb(verb), names=(job,)))

        return JobList(desk, desk.guard(act), alone=True)

    return Part(workspace, make)


def resources(workspace: Any) -> Part:
    """Show what CU are allocated and held, and ask for more."""
    return Part(workspace, lambda desk: ResourcesBar(desk, alone=True))


def summary(job: Any) -> Part:
    """Show what a job does now."""
    return Part(job.workspace, lambda desk: SummaryTab(desk, job.name))


def errors(job: Any) -> Part:
    """Show what went wrong with a job, its rejects and its last failure."""
    return Part(job.workspace, lambda desk: ErrorsTab(desk, job.name))


def output(job: Any) -> Part:
    """Show the newest rows of a job's output."""
    return Part(job.workspace, lambda desk: OutputTab(desk, job.name))


def preview(job: Any) -> Part:
    """Show the form of a preview of a job, and its result."""
    return Part(job.workspace, lambda desk: PreviewTab(desk, job.name))
