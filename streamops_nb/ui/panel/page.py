"""The page: Stream Operation, a job, a new job; what is told and asked on top of all."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from streamops_nb.ui import bridge
from streamops_nb.ui.panel.dialogs import Asking
from streamops_nb.ui.panel.joblist import JobList
from streamops_nb.ui.panel.look import THEME, file_text, html_pane
from streamops_nb.ui.panel.notices import NoticeArea
from streamops_nb.ui.state.desk import Desk
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

    Attributes
    ----------
    desk
        What it shows and what was asked.
    """

    def __init__(self, workspace: Any) -> None:
        super().__init__()
        self._screen = bridge.here(self._see, self._failed)
        self.desk = Desk(workspace, self._screen)
        self._name = Path(str(getattr(workspace, "folder", workspace))).name
        self._title = html_pane(stylesheets=[file_text("page.css")], sizing_mode="stretch_width")
        self._list = JobList(self.desk, self.desk.guard(self._act))
        self._notices = NoticeArea(self.desk.notices, **_FLOATING)
        self._asking = Asking(self.desk)
        self._body = pn.Column(self._list, sizing_mode="stretch_width")
        self._layout = pmui.Column(
            pn.Row(
                self._title,
                pmui.template.base.ThemeToggle(margin=0),
                sizing_mode="stretch_width",
                margin=(12, 0, 6, 0),
            ),
            self._body,
            self._notices,
            self._asking.dialog,
            sizing_mode="stretch_width",
            margin=(0, 20),
            theme_config=THEME,
        )
        self._watch = bridge.watch(workspace)
        self._watch.join(self._screen)
        if pn.state.curdoc and pn.state.curdoc.session_context:
            pn.state.curdoc.on_session_destroyed(_closer(self))

    def __panel__(self) -> Any:
        return self._layout

    def _see(self, picture: Picture) -> None:
        self._title.object = _title_html(self._name, picture)
        self.desk.see(picture)

    def _failed(self, error: Exception) -> None:
        self.desk.notices.tell_error(error, "The page could not be refreshed")

    def _act(self, verb: str, job: str) -> None:
        self.desk.ask(Wish(verb=Verb(verb), names=(job,)))

    def close(self) -> None:
        """Let go of all that the page holds."""
        self._watch.leave(self._screen)
        self._screen.close()
        self._list.forget()
        self._notices.forget()
        self._asking.forget()


def _closer(shown: Page) -> Callable[[Any], None]:
    def close(_: Any) -> None:
        shown.close()

    return close


def _title_html(name: str, picture: Picture) -> str:
    up = not picture.trouble
    state = "engine up" if up else "engine away"
    why = html.escape(picture.trouble or "the workspace answers")
    return (
        f'<div class="title"><b>Stream Operation</b><span>{html.escape(name)}</span></div>'
        f'<div class="engine {"up" if up else "away"}" title="{why}"><i></i>{state}</div>'
    )


_FLOATING: dict[str, Any] = {
    "margin": 0,
    "styles": {
        "position": "fixed", "right": "20px", "bottom": "20px", "width": "min(440px, 90vw)",
        "z-index": "1400",
    },
}  # fmt: skip
