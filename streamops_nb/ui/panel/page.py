"""The page: Stream Operation, a job, a new job; what is told and asked on top of all."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from streamops_nb.ui import bridge
from streamops_nb.ui.panel.alarms import AlarmsPage
from streamops_nb.ui.panel.cell import Cell
from streamops_nb.ui.panel.dialogs import Asking, held_back
from streamops_nb.ui.panel.importing import Importing
from streamops_nb.ui.panel.joblist import JobList
from streamops_nb.ui.panel.jobpage import JobPage
from streamops_nb.ui.panel.look import column, html_pane, row
from streamops_nb.ui.panel.newjob import NewJob
from streamops_nb.ui.panel.notices import NoticeArea
from streamops_nb.ui.panel.place import closes, follow_address
from streamops_nb.ui.panel.resources import ResourcesBar
from streamops_nb.ui.panel.starting import StartPoint
from streamops_nb.ui.state.desk import Desk
from streamops_nb.ui.state.permits import Permits
from streamops_nb.ui.state.picture import Picture
from streamops_nb.ui.state.wish import Verb, Wish

__all__ = ["Page", "page"]


def page(workspace: Any) -> Page:
    """Show a workspace: the Stream Operation page.

    Parameters
    ----------
    workspace
        Of this process or of another; whatever has the methods of `Workspace`.
    """
    return Page(workspace)


class Page(pn.viewable.Viewer):
    """The Stream Operation page of a workspace, for a cell, a server or a layout.

    Parameters
    ----------
    job
        The job that is open at first; empty: none.

    Attributes
    ----------
    desk
        What it shows and what was asked.
    """

    def __init__(self, workspace: Any, job: str = "") -> None:
        super().__init__()
        self._screen = bridge.here(self._see, self._failed)
        self.desk = desk = Desk(workspace, self._screen)
        self._name = Path(str(getattr(workspace, "folder", workspace))).name
        told = _title_html(self._name, Picture(), desk.permits)
        self._title = html_pane(told, css="page.css")
        self._starting, self._importing = StartPoint(desk), Importing(desk)
        self._resources = ResourcesBar(desk)
        self._list = JobList(desk, desk.guard(self._act), self._importing.ask)
        self._notices = NoticeArea(desk, **_FLOATING)
        self._asking = Asking(desk)
        self._front = column(self._resources, self._list, sizing_mode="stretch_width")
        self._other = column(sizing_mode="stretch_width", visible=False)
        self._watch = bridge.watch(workspace)
        self._layout = Cell(
            row(self._title, pmui.template.base.ThemeToggle(margin=(-5, 0, 0, 0)),
                   sizing_mode="stretch_width", margin=(12, 0, 2, 0)),
            self._front,
            self._other,
            self._notices,
            held_back(
                self._asking.dialog,
                self._resources.dialog,
                self._starting.dialog,
                self._importing.dialog,
            ),
            margin=(0, 20),
            screen=self._screen,
            watch=self._watch,
            first=self._seen_first,
        )  # fmt: skip
        self._open: Any = None
        desk.param.watch(desk.guard(self._go), ["place", "job"])
        self._watch.join(self._screen, made=True)
        if job:
            desk.open(job)
        self._served()

    def _served(self) -> None:
        document = pn.state.curdoc
        if document and document.session_context:
            closes(self.close)
            follow_address(self.desk)

    def __panel__(self) -> Any:
        return self._layout

    def _see(self, picture: Picture) -> None:
        self._title.object = _title_html(self._name, picture, self.desk.permits)
        self.desk.see(picture)
        if self._open is not None:
            self._open.refresh()

    def _seen_first(self) -> dict[str, Any] | None:
        """Give what a browser shows while it gets the rest: the list."""
        if self.desk.place != "list":
            return None
        return {
            "html": f"<div>{self._title.object}</div><main></main>",
            "table": self._list.table.drawn(),
        }

    def _failed(self, error: Exception) -> None:
        self.desk.notices.tell_error(error, "The page could not be refreshed")

    def _go(self, *_: Any) -> None:
        """Show the place that was chosen; the list stays as it is behind it."""
        desk = self.desk
        if self._open is not None:
            self._open.forget()
            self._open = None
        if desk.place == "job":
            self._open = JobPage(desk, desk.job, desk.guard(self._act))
        elif desk.place == "new":
            self._open = NewJob(desk)
        elif desk.place == "alarms":
            self._open = AlarmsPage(desk, desk.job)
        self._front.visible = self._open is None
        self._other.param.update(
            objects=[] if self._open is None else [self._open], visible=self._open is not None
        )

    def _act(self, verb: str, job: str) -> None:
        if verb in ("view", "versions"):
            self.desk.open(job, "configuration")
        elif verb == "export":
            self.desk.export(job)
        elif verb == "alarm":
            self.desk.alarms(job)
        elif verb == "start from":
            self._starting.ask(Verb.START, job)
        elif verb == Verb.RESET:
            self._starting.ask(Verb.RESET, job)
        else:
            self.desk.ask(Wish(verb=Verb(verb), names=(job,)))

    def close(self) -> None:
        """Let go of all that the page holds."""
        self._watch.leave(self._screen)
        self._screen.close()
        for part in (self._list, self._notices, self._asking, self._resources):
            part.forget()
        if self._open is not None:
            self._open.forget()


def _title_html(name: str, picture: Picture, person: Permits) -> str:
    why = html.escape(picture.trouble or "the workspace answers")
    state, tone = f"engine away <small>{why}</small>", "away"
    if not picture.trouble:
        state, tone = ("engine up", "up") if picture.at else ("looking…", "asked")
    return (
        f'<div class="title"><h1>Stream Operation</h1><span>{html.escape(name)}</span></div>'
        f'<div class="engine {tone}" title="{why}"><i></i>{state}</div>'
        f"{_person_html(person)}"
    )


def _person_html(person: Permits) -> str:
    if not person.name:
        return ""
    who = f"{html.escape(person.name)} · {html.escape(person.role)}"
    return f'<div class="person"><span>{who}</span><a href="logout">Log out</a></div>'


_FLOATING: dict[str, Any] = {
    "margin": 0,
    "styles": {
        "position": "fixed", "right": "20px", "bottom": "20px", "width": "min(440px, 90vw)",
        "z-index": "1400",
    },
}  # fmt: skip
